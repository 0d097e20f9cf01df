/**
 * Makes `dist`, the JavaScript that the package ships, of `src`, or the folder that is given. The modules of segmentd become few files, since finding and
 * reading hundreds takes longer than to run them; the packages that they import stay what npm installs.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = resolve(process.argv[2] ?? `${root}/dist`);
rmSync(dist, { recursive: true, force: true });

/** Below it lies what the entries share, as deep as the modules of `src` that name files of the package: see lib/shipped-file. */
const SHARED = 'lib/[name].js';
/** What is run or imported by its name; what each imports when it is needed becomes a file of its own. */
const ENTRIES = {
  main: 'src/main.ts',
  writer: 'src/writer.ts',
  'optimize-child': 'src/lance/engine/optimize-child.ts',
  'merge-child': 'src/lance/engine/merge-child.ts',
};
const bundle = await rolldown({
  input: ENTRIES,
  cwd: root,
  platform: 'node',
  // But for what the compiler adds itself, such as for `using`.
  external: (id) => /^(?!@oxc-project\/runtime)[@\w]/.test(id),
  transform: { target: 'node22.15' },
});
await bundle.write({
  dir: dist,
  format: 'esm',
  entryFileNames: ({ name }) => (name === 'main' || name === 'writer' ? '[name].js' : SHARED),
  chunkFileNames: SHARED,
  // What main.ts imports at its top has to run on any Node: nothing else may be in its file.
  codeSplitting: { groups: [{ name: 'start', test: /src\/lib\/(errors|node-floor|shipped-file)\.ts$/ }] },
  // With the sources in them: a stack names the lines of `src` where Node is started with --enable-source-maps.
  sourcemap: true,
  // Names of functions stay, in stacks as well.
  minify: false,
});
await bundle.close();

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc');
const { status } = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', dist], {
  cwd: root,
  stdio: 'inherit',
});
chmodSync(`${dist}/main.js`, 0o755);
// The status page is served as it is.
cpSync(`${root}/src/page`, `${dist}/page`, { recursive: true, filter: (path) => extname(path) !== '.ts' });
process.exitCode = status ?? 1;
