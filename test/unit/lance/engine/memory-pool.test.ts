import { afterEach, expect, test, vi } from 'vitest';
import { defaultPoolBytes, poolBytesOf } from '../../../../src/lance/engine/memory-pool.ts';

const MIB = 2 ** 20;
const VARIABLE = 'LANCE_MEM_POOL_SIZE';

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

test.each([
  ['1024', 1024],
  ['+5', 5],
  ['', 150 * MIB],
  ['1GiB', 150 * MIB],
  ['-1', 150 * MIB],
])('the engine takes %j as %d bytes', (value, bytes) => {
  expect(poolBytesOf(value)).toBe(bytes);
});
