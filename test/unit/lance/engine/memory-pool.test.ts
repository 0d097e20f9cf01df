import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { defaultPoolBytes, poolBytesOf, textMemory } from '../../../../src/lance/engine/memory-pool.ts';

const MIB = 2 ** 20;
const VARIABLE = 'LANCE_MEM_POOL_SIZE';
const OF_TEXT = ['LANCE_FTS_NUM_SHARDS', 'LANCE_FTS_PARTITION_SIZE'] as const;
const BATCH_ROWS = 'LANCE_DEFAULT_BATCH_SIZE';

// No test may leave them behind.
beforeEach(() => {
  for (const name of [...OF_TEXT, BATCH_ROWS]) vi.stubEnv(name, undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
  vi.resetModules();
});

/** The module as a process that has just started finds it. */
const freshModule = () => import('../../../../src/lance/engine/memory-pool.ts');

test.each([
  [256 * MIB, 128 * MIB],
  [512 * MIB, 128 * MIB],
  [512 * MIB + 4, 128 * MIB + 1],
  [4096 * MIB, 1024 * MIB],
  [8192 * MIB, 2048 * MIB],
  [65_536 * MIB, 2048 * MIB],
])('of %d bytes of memory, %d are for sorting', (usable, bytes) => {
  expect(defaultPoolBytes(usable)).toBe(bytes);
});

test('the limit of a container counts, and one above all memory does not', () => {
  const limit = vi.spyOn(process, 'constrainedMemory').mockReturnValue(1024 * MIB);
  expect(defaultPoolBytes()).toBe(256 * MIB);
  // What Node gives for no limit, on the systems that have control groups and on the others.
  limit.mockReturnValue(2 ** 64);
  const ofMachine = defaultPoolBytes();
  expect(ofMachine).toBeLessThanOrEqual(2048 * MIB);
  limit.mockReturnValue(0);
  expect(defaultPoolBytes()).toBe(ofMachine);
});

test('the size is set once, by the first builder', async () => {
  vi.stubEnv(VARIABLE, undefined);
  const { enginePool } = await freshModule();
  const pool = enginePool(300 * MIB);
  expect(pool.bytes).toBe(300 * MIB);
  expect(process.env[VARIABLE]).toBe(String(300 * MIB));
  expect(enginePool(400 * MIB)).toBe(pool);
  expect(process.env[VARIABLE]).toBe(String(300 * MIB));
});

test("an operator's own variable wins, and builds are held back by it", async () => {
  vi.stubEnv(VARIABLE, '200000000');
  const { enginePool } = await freshModule();
  expect(enginePool(300 * MIB).bytes).toBe(200_000_000);
  expect(process.env[VARIABLE]).toBe('200000000');
});

test.each<[string, number, string | undefined, string | undefined, object]>([
  ['larger in a pool that has room for them', 512 * MIB, undefined, '16384', { [BATCH_ROWS]: undefined }],
  ["the engine's own in a smaller one", 512 * MIB - 1, undefined, undefined, {}],
  ["an operator's where there are any, for what compacts, too", 512 * MIB, '100', '100', {}],
])('batches are %s', async (_, bytes, given, expected, ofCompaction) => {
  vi.stubEnv(VARIABLE, undefined);
  vi.stubEnv(BATCH_ROWS, given);
  const { enginePool, withoutOurBatches } = await freshModule();
  expect(withoutOurBatches()).toStrictEqual({});
  enginePool(bytes);
  expect([process.env[BATCH_ROWS], withoutOurBatches()]).toStrictEqual([expected, ofCompaction]);
});

test.each([
  ['1024', 1024],
  ['+5', 5],
  ['', 150 * MIB],
  ['1GiB', 150 * MIB],
  ['-1', 150 * MIB],
])('the engine takes %j as %d bytes', (value, bytes) => {
  expect(poolBytesOf(value)).toBe(bytes);
});

test.each([
  [128, 16, 1, 16],
  [256, 16, 1, 48],
  [512, 16, 1, 112],
  [1024, 16, 2, 120],
  [2048, 16, 4, 124],
  [2048, 2, 1, 496],
  [8192, 64, 4, 508],
  [1, 1, 1, 8],
])(
  'full-text builds in %d MiB on %d processors have %d workers with %d MiB each',
  (mib, processors, workers, partitionMiB) => {
    expect(textMemory(mib * MIB, processors)).toEqual({ workers, partitionMiB });
  },
);

test("full-text builds are bounded before the first of them, unless an operator's own variables do it", async () => {
  vi.stubEnv(VARIABLE, undefined);
  const { enginePool } = await freshModule();
  enginePool(256 * MIB);
  expect(OF_TEXT.map((name) => process.env[name])).toEqual(['1', '48']);
  vi.resetModules();
  vi.stubEnv(OF_TEXT[0], undefined);
  vi.stubEnv(OF_TEXT[1], '7');
  (await freshModule()).enginePool(256 * MIB);
  expect(OF_TEXT.map((name) => process.env[name])).toEqual(['1', '7']);
});
