import { availableParallelism } from 'node:os';
import { describe, expect, test, vi } from 'vitest';
import { parseManifest } from '../../../../src/lance/codec/manifest.ts';
import { BuildAdmission } from '../../../../src/lance/engine/build-admission.ts';
import type { MemoryPool } from '../../../../src/lance/engine/memory-pool.ts';
import type { LaneBuilder } from '../../../../src/lance/engine/pooled-builder.ts';
import { pooledBuilder } from '../../../../src/lance/engine/pooled-builder.ts';
import type { Build, BuildPurpose, SegmentRequest } from '../../../../src/lance/segment.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';
import { localPlace } from '../../../../testing/local-place.ts';
import { manifestFile } from '../manifest-fixture.ts';

const MIB = 2 ** 20;
const manifest = parseManifest(manifestFile());
const built: Build = { manifest, segments: [], [Symbol.asyncDispose]: async () => undefined };
const request = (rows: number): SegmentRequest => ({
  index: 'id_idx',
  kind: 'btree',
  parameters: {},
  fieldId: 0,
  column: 'id',
  fragments: Uint32Array.of(0),
  rows,
});
const poolOf = (bytes: number): MemoryPool => ({ bytes, admission: new BuildAdmission(bytes) });

const failure = (text: string) =>
  new SegmentdError('build_failed', 'LanceDB could not index id', { cause: new Error(`lance error: ${text}`) });
const EXHAUSTED = 'Resources exhausted: Additional allocation failed for ExternalSorterMerge[0] with top memory';

/** Builds side by side; the most that ran at once. */
async function mostAtOnce(pool: MemoryPool, count: number, rows: number): Promise<number> {
  let [running, most] = [0, 0];
  const builder = pooledBuilder(
    {
      async build() {
        most = Math.max(most, ++running);
        await new Promise((resolve) => setImmediate(resolve));
        running -= 1;
        return built;
      },
    },
    pool,
  );
  await Promise.all(
    Array.from({ length: count }, () => builder.build(manifest, localPlace('/t.lance'), [request(rows)])),
  );
  return most;
}

test('as many builds run at once as fit, by their rows', async () => {
  expect(await mostAtOnce(poolOf(1024 * MIB), 20, 100)).toBe(20);
  expect(await mostAtOnce(poolOf(1024 * MIB), 20, 5_000_000)).toBe(4);
  expect(await mostAtOnce(poolOf(150 * MIB), 20, 5_000_000)).toBe(1);
});

/** A builder that fails in this way while `isBad` says so. */
function failing(isBad: (builds: number) => boolean, error: SegmentdError): LaneBuilder & { builds: number } {
  return {
    builds: 0,
    async build() {
      if (isBad(++this.builds)) throw error;
      return built;
    },
  };
}

test('a build that finds the pool exhausted is tried again, without an error', async () => {
  const builder = failing((builds) => builds <= 2, failure(EXHAUSTED));
  expect(await pooledBuilder(builder, poolOf(MIB)).build(manifest, localPlace('/t.lance'), [request(1)])).toBe(built);
  expect(builder.builds).toBe(3);
});

test('a build that still fails with nothing beside it has failed, and the error says what to raise', async () => {
  const pool = poolOf(100 * MIB);
  const run = vi.spyOn(pool.admission, 'run');
  const builder = failing(() => true, failure(EXHAUSTED));
  const error = await pooledBuilder(builder, pool)
    .build(manifest, localPlace('/t.lance'), [request(1)])
    .catch((thrown: unknown) => thrown);
  expect(error).toMatchObject({ code: 'build_failed', hint: expect.stringContaining('build.memory_bytes') });
  expect((error as SegmentdError).message).toContain('104857600 bytes of memory, with no other build beside it');
  expect(run.mock.calls.map(([, share]) => share).slice(1)).toEqual([...Array(6).fill('whole'), 'alone']);
});

test.each([
  ['a full disk', failure('Resources exhausted: The used disk space during the spilling process has exceeded')],
  ['something else', failure('External error: schema mismatch')],
  ['a table that moved', new SegmentdError('build_stale', 'gone')],
])('a build that fails for %s is not tried again', async (_, error) => {
  const builder = failing(() => true, error);
  await expect(pooledBuilder(builder, poolOf(MIB)).build(manifest, localPlace('/t.lance'), [request(1)])).rejects.toBe(
    error,
  );
  expect(builder.builds).toBe(1);
});

test('a stop ends the tries', async () => {
  const stop = new AbortController();
  const builder = failing((builds) => {
    if (builds === 1) stop.abort(new Error('stopped'));
    return true;
  }, failure(EXHAUSTED));
  const build = pooledBuilder(builder, poolOf(MIB), stop.signal).build(manifest, localPlace('/t.lance'), [request(1)]);
  await expect(build).rejects.toThrow('stopped');
  expect(builder.builds).toBe(1);
});

describe('segments are built side by side', () => {
  /** Lanes of a build of so many indexes of so many rows each, while `beside` builds run. */
  async function lanesOf(
    pool: MemoryPool,
    rows: readonly number[],
    { beside = 0, remote = false, purpose = 'fresh' as BuildPurpose } = {},
  ) {
    const lanes: number[] = [];
    const build: LaneBuilder['build'] = async (_, _place, _requests, { lanes: most }) => {
      lanes.push(most);
      return built;
    };
    const builder = pooledBuilder({ build }, pool);
    const { promise, resolve } = Promise.withResolvers<void>();
    const running = Array.from({ length: beside }, () => pool.admission.run(purpose, 1, () => promise));
    await builder.build(manifest, { ...localPlace('/t.lance'), remote }, rows.map(request));
    resolve();
    await Promise.all(running);
    return lanes;
  }

  test('when nothing else is, up to twice the processors', async () => {
    const [lanes] = await lanesOf(poolOf(2 ** 40), Array(100).fill(10));
    expect(lanes).toBe(2 * availableParallelism());
    expect(await lanesOf(poolOf(2 ** 40), [10])).toEqual([1]);
  });

  test('beside another build they are not: all have enough to do', async () => {
    expect(await lanesOf(poolOf(2 ** 40), [10, 10], { beside: 1 })).toEqual([1]);
  });

  test('beside merges they are: those wait for fresh data', async () => {
    expect(await lanesOf(poolOf(2 ** 40), [10, 10], { beside: 1, purpose: 'merge' })).toEqual([2]);
  });

  test('in an object store they all are, whatever else runs', async () => {
    expect(await lanesOf(poolOf(2 ** 40), Array(100).fill(10), { beside: 1, remote: true })).toEqual([100]);
  });

  test('as far as the largest of them fit into the memory together', async () => {
    // A build of ten million rows takes some 406 MiB, one of ten rows 40.
    const rows = [10, 10_000_000, 10, 10_000_000];
    expect(await lanesOf(poolOf(880 * MIB), rows, { remote: true })).toEqual([3]);
    expect(await lanesOf(poolOf(830 * MIB), rows, { remote: true })).toEqual([2]);
    expect(await lanesOf(poolOf(500 * MIB), rows, { remote: true })).toEqual([1]);
  });

  test('and one after the other when that finds the pool exhausted', async () => {
    const lanes: number[] = [];
    const builder: LaneBuilder = {
      async build(_, _place, _requests, { lanes: most }) {
        if (lanes.push(most) === 1) throw failure(EXHAUSTED);
        return built;
      },
    };
    await pooledBuilder(builder, poolOf(2 ** 40)).build(manifest, localPlace('/t.lance'), [request(1), request(2)]);
    expect(lanes).toEqual([2, 1]);
  });
});
