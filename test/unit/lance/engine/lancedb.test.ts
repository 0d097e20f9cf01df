import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { lancedb } from '../../../../src/lance/engine/lancedb.ts';

/** Whether the library of the engine is in a process that has imported these modules of `src`, and then run `code`. */
async function hasEngine(modules: readonly string[], code = ''): Promise<boolean> {
  const imports = modules.map((path) => new URL(`../../../../src/${path}`, import.meta.url).href);
  const program = `
    const [first] = await Promise.all(${JSON.stringify(imports)}.map((file) => import(file)));
    ${code};
    process.stdout.write(String(process.report.getReport().sharedObjects.some((it) => it.endsWith('.node') && it.includes('lancedb'))));`;
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);
  return stdout === 'true';
}

test.each([
  ['daemon/daemon.ts'],
  ['commands/tables/index-columns.ts'],
  ['lance/engine/segment-builder.ts'],
  ['lance/inspect/verify-table.ts'],
  ['maintain/maintain-table.ts'],
])('%s does not load LanceDB before it is needed', async (path) => {
  expect(await hasEngine([path])).toBe(false);
});

test('what asks for it has it', async () => {
  expect(await hasEngine(['lance/engine/lancedb.ts'], 'await first.lancedb()')).toBe(true);
});

const COUNTS = ['TOKIO_WORKER_THREADS', 'LANCE_CPU_THREADS', 'LANCE_IO_THREADS', 'LANCE_DEFAULT_BATCH_SIZE'];

test.each(
  COUNTS.flatMap((name) => ['abc', '0', '', '-1', '1.5', '1e3', '9999999999'].map((value) => [name, value] as const)),
)('what would break the engine is refused: %s=%j', async (name, value) => {
  const load = () => Promise.reject(new Error('not asked'));
  await expect(lancedb(load, { [name]: value })).rejects.toMatchObject({
    code: 'config_invalid',
    message: expect.stringContaining(`${name} is "${value}", which is no number of`),
  });
});

test('more threads than the engine can start are refused', async () => {
  const load = () => Promise.reject(new Error('asked'));
  await expect(lancedb(load, { TOKIO_WORKER_THREADS: '10000' })).rejects.toMatchObject({ code: 'config_invalid' });
  await expect(lancedb(load, { TOKIO_WORKER_THREADS: '9999' })).rejects.toMatchObject({ code: 'engine_unloadable' });
});

test('where it cannot be loaded the first line says why', async () => {
  const load = () => Promise.reject(new Error('no native binding\nremove node_modules'));
  await expect(lancedb(load)).rejects.toMatchObject({
    code: 'engine_unloadable',
    message: 'LanceDB cannot be loaded: no native binding',
  });
});
