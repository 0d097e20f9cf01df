/** For `node --import`: writes the names of all packages that the process has loaded to standard error when it ends. */
import { registerHooks } from 'node:module';

const PACKAGE = /\/node_modules\/((?:@[^/]+\/)?[^/]+)\//;

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = PACKAGE.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});
process.on('exit', () => process.stderr.write(`${JSON.stringify([...loaded].sort())}\n`));
