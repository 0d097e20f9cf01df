/** The image, as far as it can be checked where no container engine is: linted, and what goes into it put together, weighed and run. */
import { execFile } from 'node:child_process';
import { copyFile, lstat, mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, expect, test } from 'vitest';
import { findHadolint, imageParts } from '../../../testing/deploy-tools.ts';
import { people } from '../../../testing/people.ts';
import { DAEMON_FLAGS } from '../../../testing/shipped-program.ts';
import { makeTable, makeWorld, openTable } from '../e2e/world.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const MB = 1e6;

/**
 * What the base weighs, of which no registry is asked here: the sum of Installed-Size of the packages in it (libc6, libssl3, libstdc++6,
 * libgcc-s1, libgomp1, tzdata, ca-certificates, base-files, netbase) is 26 MB.
 */
const BASE_MB = 30;
const MOST_MB = 400;

/** Bytes of the files below a folder. */
async function weigh(folder: string): Promise<number> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((it) => it.isFile());
  const sizes = await Promise.all(files.map(async (it) => (await lstat(join(it.parentPath, it.name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** The packages that stores load when they are opened. */
async function loadedByStores(): Promise<string[]> {
  const folder = join(REPO, 'src/store');
  const sources = await Promise.all((await readdir(folder)).map((name) => readFile(join(folder, name), 'utf8')));
  return sources.flatMap((source) =>
    [...source.matchAll(/await import\('([^.'][^']*)'\)/g)].map(([, name = '']) => name),
  );
}

/** The folder /app of the image, with its node beside it. */
let app = '';

/** Half a gigabyte in thousands of files: where the folders are on one disk, without a copy of a byte. */
async function share(from: string, to: string): Promise<void> {
  await run('cp', ['-al', from, to]).catch(async () => {
    await rm(to, { recursive: true, force: true });
    await run('cp', ['-a', from, to]);
  });
}

beforeAll(async () => {
  app = await mkdtemp(join(tmpdir(), 'segmentd-image-'));
  await run(process.execPath, [join(REPO, 'scripts/build.ts'), join(app, 'dist')]);
  const parts = await imageParts(REPO, join(REPO, 'scripts/trim-modules.ts'));
  for (const name of ['node_modules', 'node']) await share(join(parts, name), join(app, name));
  await mkdir(join(app, 'config'));
  await copyFile(join(REPO, 'config/defaults.yaml'), join(app, 'config/defaults.yaml'));
  await copyFile(join(REPO, 'package.json'), join(app, 'package.json'));
  return () => rm(app, { recursive: true, force: true });
}, 600_000);

test('the Dockerfile passes its linter, which finds what is wrong in another', async () => {
  const hadolint = await findHadolint();
  await expect(run(hadolint, [join(REPO, 'Dockerfile')])).resolves.toMatchObject({ stdout: '' });
  const linting = run(hadolint, ['-']);
  linting.child.stdin?.end('FROM node:latest\nRUN cd /app && apt-get install curl\n');
  await expect(linting).rejects.toMatchObject({ stdout: expect.stringContaining('DL3007') });
});

test(`the image weighs at most ${MOST_MB} MB, as docs/install.md says`, async () => {
  const mb = (await weigh(app)) / MB + BASE_MB;
  const page = await readFile(join(REPO, 'docs/install.md'), 'utf8');
  const [, said = ''] = /about (\d+) MB on amd64/.exec(page) ?? [];
  expect(mb).toBeLessThanOrEqual(MOST_MB);
  expect(Math.abs(mb - Number(said)), `${mb} MB`).toBeLessThan(15);
});

test('what is in the image is enough to index a table, to verify it, and to load each store', async () => {
  const world = await makeWorld();
  await makeTable(world, 'people', 100);
  await (await openTable(world.database, 'people')).add(people(100, 10));
  const segmentd = (...args: string[]) =>
    run(join(app, 'node'), ['--enable-source-maps', ...DAEMON_FLAGS, 'dist/main.js', ...args], {
      cwd: app,
      env: { PATH: process.env.PATH },
    });
  expect((await segmentd('config', 'defaults')).stdout).toContain('kafka:');
  await segmentd('index', world.tableFolder('people'));
  expect(JSON.parse((await segmentd('status', world.tableFolder('people'), '--json')).stdout).missing_rows).toBe(0);
  await segmentd('verify', world.tableFolder('people'));
  await segmentd('config', 'check', '-c', world.configFile, '--online');
  const packages = await loadedByStores();
  expect(packages).toEqual(
    expect.arrayContaining(['@aws-sdk/client-s3', '@google-cloud/storage', '@azure/storage-blob']),
  );
  for (const name of packages) {
    await run(join(app, 'node'), ['-e', `await import('${name}')`, '--input-type=module'], { cwd: app });
  }
});
