/** The package as others get it: packed, unpacked beside a project of theirs, imported, type-checked and run. */
import { execFile } from 'node:child_process';
import { access, cp, mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect, test } from 'vitest';
import { docSnippet } from '../../../testing/doc-snippet.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { readTopic } from './read-topic.ts';
import { makeTable, makeWorld, openTable } from './world.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const MODULES = join(REPO, 'node_modules');

/** Packs what is in the repository now; the tarball's path. Nothing is written into the repository. */
async function pack(): Promise<string> {
  const folder = await tempDir();
  await run(process.execPath, [join(REPO, 'scripts/build.ts'), join(folder, 'dist')]);
  for (const name of ['package.json', 'README.md', 'config', 'schemas']) {
    await cp(join(REPO, name), join(folder, name), { recursive: true });
  }
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json'], { cwd: folder });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  return join(folder, filename);
}

/** A project that has installed the package, with its dependencies borrowed instead of downloaded. */
async function project(tarball: string): Promise<string> {
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

test('the package exports the writer, with types, and the schemas; the Node snippet runs on it', async () => {
  const world = await makeWorld();
  await makeTable(world, 'events', 10);
  const folder = await project(await pack());
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
