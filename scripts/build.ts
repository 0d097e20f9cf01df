/** Compiles `src` to `dist`, the JavaScript that the package ships, or to the folder that is given. */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const dist = resolve(process.argv[2] ?? `${root}/dist`);
rmSync(dist, { recursive: true, force: true });
const args = [tsc, '-p', 'tsconfig.build.json', '--outDir', dist];
const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
if (status === 0) {
  chmodSync(`${dist}/main.js`, 0o755);
  // The status page is served as it is.
  cpSync(`${root}/src/page`, `${dist}/page`, { recursive: true, filter: (path) => extname(path) !== '.ts' });
}
process.exitCode = status ?? 1;
