/** The package as others get it: packed, unpacked beside a project of theirs, imported, type-checked and run. */
import { execFile, spawn } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { beforeAll, expect, onTestFinished, test } from 'vitest';
import { nodeAt } from '../../../testing/deploy-tools.ts';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { readTopic } from './read-topic.ts';
import { covered, exitOf, makeTable, makeWorld, openTable, until } from './world.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(REPO, 'node_modules');

/** What a clone has and a fresh one has not. */
const NOT_CLONED = new Set(['.git', 'node_modules', 'dist', '.cache']);

/** What a bare machine has on its path, beside how this one reaches a registry. */
const SYSTEM = { ...process.env, PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' };

/** The oldest Node that package.json takes. */
const OLDEST_NODE = '22.15.0';

let tarball = '';
/** Takes longer than all the rest, most of it to write half a gigabyte: it begins at once, and who needs it waits. */
let installed: Promise<Installed>;

/** Packs a copy of the repository as `npm publish` would, build included. */
beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'segmentd-package-'));
  const clone = join(folder, 'clone');
  await cp(REPO, clone, {
    recursive: true,
    filter: (path) => !NOT_CLONED.has(relative(REPO, path).split(sep, 1)[0] ?? ''),
  });
  await symlink(MODULES, join(clone, 'node_modules'));
  const { stdout } = await run('npm', ['pack', '--silent'], { cwd: clone });
  tarball = join(clone, stdout.trim());
  installed = installGlobally(join(folder, 'home'));
  // Told by the test that waits for it.
  const ended = installed.catch(() => undefined);
  return async () => {
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
});

/** Where the package is installed, and the environment in which its command is on the path. */
type Installed = { readonly home: string; readonly env: NodeJS.ProcessEnv };

/** `npm i -g` of the tarball on the oldest Node. Nothing but that and the system's own folders is on the path. */
async function installGlobally(home: string): Promise<Installed> {
  const bin = join(home, 'node');
  await mkdir(bin, { recursive: true });
  await symlink(await nodeAt(OLDEST_NODE), join(bin, 'node'));
  // npm itself runs on that Node, too.
  const { stdout: npm } = await run('sh', ['-c', 'readlink -f "$(command -v npm)"'], { env: SYSTEM });
  const env = { ...SYSTEM, PATH: [join(home, 'bin'), bin, SYSTEM.PATH].join(':') };
  const args = ['install', '--global', '--prefix', home, '--no-audit', '--prefer-offline', tarball];
  await run(join(bin, 'node'), [npm.trim(), ...args], { env });
  return { home, env };
}

/** A project that has installed the package, with its dependencies linked instead of downloaded. */
async function project(): Promise<string> {
  const folder = await tempDir();
  const home = join(folder, 'node_modules', 'segmentd');
  await mkdir(home, { recursive: true });
  await run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  await symlink(MODULES, join(home, 'node_modules'));
  for (const name of ['@lancedb', '@types', 'apache-arrow']) {
    await symlink(join(MODULES, name), join(folder, 'node_modules', name));
  }
  const options = { module: 'nodenext', target: 'es2024', strict: true, noEmit: true, types: ['node'] };
  await writeFile(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['snippet.ts', 'wrong.ts'] }),
  );
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  return folder;
}

/** Files of a folder, as paths from it. */
async function filesOf(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries.filter((it) => it.isFile()).map((it) => relative(folder, join(it.parentPath, it.name)));
}

test('the tarball is complete: runs, documents itself, and leaves no pointer to what it does not ship', async () => {
  const home = await tempDir();
  await run('tar', ['-xzf', tarball, '-C', home, '--strip-components=1']);
  const files = (await filesOf(home)).filter((path) => !path.startsWith('node_modules'));
  expect(files).toEqual(
    expect.arrayContaining([
      ...['README.md', 'LICENSE', 'CHANGELOG.md', 'CONTRIBUTING.md', 'SECURITY.md'],
      ...['docs/cli.md', 'schemas/config.json', 'config/segmentd.yaml', 'config/prometheus/rules.yml', 'dist/main.js'],
      ...['dist/page/page.html', 'dist/page/page.css', 'dist/page/page.js'],
    ]),
  );
  const text = (path: string) => readFile(join(home, path), 'utf8');

  const manifest = JSON.parse(await text('package.json'));
  for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
    expect(manifest.scripts).not.toHaveProperty(hook);
  for (const target of [manifest.types, manifest.bin.segmentd]) expect(files).toContain(`${target}`.replace('./', ''));

  for (const path of files.filter((it) => it.endsWith('.map'))) {
    const { sources, sourcesContent } = JSON.parse(await text(path));
    expect(
      sourcesContent?.filter((it: unknown) => typeof it === 'string'),
      path,
    ).toHaveLength(sources.length);
  }
  for (const page of files.filter((it) => it.endsWith('.md'))) {
    const links = [...(await text(page)).matchAll(/\]\((?![a-z]+:|#)([^)#\s]+)/g)].map(([, to = '']) =>
      join(page, '..', to),
    );
    expect(
      links.filter((to) => !files.includes(to)),
      page,
    ).toEqual([]);
  }

  await symlink(MODULES, join(home, 'node_modules'));
  const { stdout } = await run(process.execPath, [join(home, 'dist/main.js'), 'config', 'defaults']);
  expect(stdout).toBe(await text('config/defaults.yaml'));
});

test('the package exports the writer, with types, and the schemas; the Node snippet runs on it', async () => {
  const world = await makeWorld();
  await makeTable(world, 'events', 10);
  const folder = await project();
  const snippet = docSnippet('producers.md', 'Node', {
    'localhost:9092': world.settings.brokers.join(),
    '/data/demo': world.database,
    "database: 'demo'": `database: 'demo', topic: '${world.settings.topic}'`,
  });
  await writeFile(join(folder, 'snippet.ts'), snippet);
  await run(process.execPath, ['snippet.ts'], { cwd: folder });
  const [record] = await readTopic(world.settings, world.settings.topic, 1);
  expect(String(record?.key)).toBe('demo/events');
  const event = JSON.parse(String(record?.value));
  const table = await openTable(world.database, 'events');
  expect(event).toMatchObject({ table: 'demo/events', version: await table.version() });
  expect(await table.countRows()).toBe(11);

  const home = join(folder, 'node_modules', 'segmentd');
  const { exports } = JSON.parse(await readFile(join(home, 'package.json'), 'utf8'));
  for (const target of Object.values<string>(exports['.'])) await access(join(home, target));

  const schema = async (name: string) => {
    const script = `console.log(import.meta.resolve('segmentd/schemas/${name}.json'))`;
    const { stdout } = await run(process.execPath, ['--input-type=module', '-e', script], { cwd: folder });
    return JSON.parse(await readFile(fileURLToPath(stdout.trim()), 'utf8'));
  };
  expect(new Ajv2020().validate(await schema('append-event'), event)).toBe(true);
  expect((await schema('config')).title).toBe('Configuration of segmentd');

  const wrong = snippet.replace("database: 'demo'", "// @ts-expect-error There is no such option.\n  databse: 'demo'");
  await writeFile(join(folder, 'wrong.ts'), wrong);
  const tsc = join(MODULES, 'typescript/bin/tsc');
  await expect(run(process.execPath, [tsc, '-p', '.'], { cwd: folder })).resolves.toMatchObject({ stdout: '' });
});

test('npm i -g of the tarball works on the oldest Node, and the command does its main job there', async () => {
  const { engines } = JSON.parse(await readFile(join(REPO, 'package.json'), 'utf8'));
  expect(OLDEST_NODE.startsWith(engines.node.replace('>=', ''))).toBe(true);
  const { home, env } = await installed;
  expect((await run('node', ['--version'], { env })).stdout).toBe(`v${OLDEST_NODE}\n`);

  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  await (await openTable(world.database, 'people')).add(people(100, 10));
  const segmentd = (...args: string[]) => run('segmentd', args, { env, cwd: home });
  expect((await segmentd('--version')).stdout).toMatch(/^\d+\.\d+\.\d+\n$/);
  await segmentd('config', 'check', '-c', world.configFile, '--online');
  await segmentd('index', world.tableFolder('people'));
  await segmentd('verify', world.tableFolder('people'));
  const daemon = spawn('segmentd', ['run', '-c', world.configFile], { env, cwd: home, stdio: 'pipe' });
  onTestFinished(() => void daemon.kill('SIGKILL'));
  const log: string[] = [];
  for (const out of [daemon.stdout, daemon.stderr]) out.on('data', (data) => log.push(String(data)));
  await (await openTable(world.database, 'people')).add(people(110, 10));
  await segmentd('announce', 'db/people', '-c', world.configFile);
  await until('covered', () => covered(world, 'people'));
  daemon.kill('SIGTERM');
  expect(await exitOf(daemon), log.join('')).toBe(0);
}, 600_000);
