import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => {
  vi.unstubAllEnvs();
  vi.doUnmock('../../../../src/lance/engine/engine-process.ts');
  vi.resetModules();
});

test.each<[string, string | undefined, object]>([
  ['without the batches that builds of this process have', undefined, { LANCE_DEFAULT_BATCH_SIZE: undefined }],
  ["with an operator's", '100', {}],
])('a compaction runs %s', async (_, given, expected) => {
  vi.stubEnv('LANCE_MEM_POOL_SIZE', undefined);
  vi.stubEnv('LANCE_DEFAULT_BATCH_SIZE', given);
  vi.resetModules();
  const startEngineProcess = vi.fn(() => ({
    child: { once: () => undefined, kill: () => undefined },
    send: () => undefined,
    ended: Promise.resolve('its process ended with 1'),
  }));
  vi.doMock('../../../../src/lance/engine/engine-process.ts', () => ({ startEngineProcess }));
  const { enginePool } = await import('../../../../src/lance/engine/memory-pool.ts');
  const { optimizeTable } = await import('../../../../src/lance/engine/optimize-table.ts');
  enginePool(2 ** 30);
  const place = { uri: '/t.lance', remote: false, storageOptions: {} };
  const optimizing = optimizeTable(place, { cleanupOlderThanMs: 0, maxMemoryBytes: 4000 });
  await expect(optimizing).rejects.toMatchObject({ code: 'optimize_failed' });
  // A name without a value takes the variable away, and one that is not there leaves it.
  expect(startEngineProcess.mock.calls).toStrictEqual([
    ['optimize-child', { ...expected, LANCE_MEM_POOL_SIZE: '1000' }],
  ]);
});
