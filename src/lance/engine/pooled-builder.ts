/**
 * Builds within the memory of the engine's pool: a build waits until it fits, and one that finds the pool exhausted all the same, since
 * its need is an estimate, is tried again with more room. Only a build that runs alone and fails has failed.
 */
import { availableParallelism } from 'node:os';
import { backoffMs } from '../../lib/backoff.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { Manifest } from '../codec/manifest.ts';
import type { Build, BuildPurpose, SegmentBuilder, SegmentRequest, TablePlace } from '../segment.ts';
import type { Share } from './build-admission.ts';
import type { MemoryPool } from './memory-pool.ts';
import { buildBytes } from './sort-memory.ts';

/** Tries beside builds of the other purpose, before one that waits for all of them to end. */
const WHOLE_TRIES = 6;

/** How long a build that spills takes to give memory back. */
const PAUSE = { initialMs: 50, maxMs: 1_000 };

/** How to build: `lanes` segments at once, 1 for one after the other. */
type BuildManner = { readonly lanes: number; readonly purpose: BuildPurpose };

/** A builder that is told how many segments it builds at once. Errors: those of SegmentBuilder. */
export type LaneBuilder = {
  build(
    manifest: Manifest,
    place: TablePlace,
    requests: readonly SegmentRequest[],
    manner: BuildManner,
  ): Promise<Build>;
};

/** On a disk, more than this many do not end sooner: the processors are what is short. Of requests to a store, all wait together. */
const LANES_ON_DISK = 2 * availableParallelism();

/** A builder in front of `builder`. Once `signal` has fired, builds that wait for memory reject. */
export function pooledBuilder(
  builder: LaneBuilder,
  { bytes: poolBytes, admission }: MemoryPool,
  signal?: AbortSignal,
): SegmentBuilder {
  return {
    async build(manifest, place, requests, purpose = 'fresh') {
      const needs = requests.map((request) => buildBytes(manifest, request, poolBytes)).sort((a, b) => b - a);
      // Beside other builds the processors have enough to do, and views that indexes share take less of them.
      const most = place.remote ? requests.length : admission.isIdle ? LANES_ON_DISK : 1;
      for (let failures = 0; ; failures++) {
        const lanes = failures > 0 ? 1 : lanesWithin(poolBytes, needs, most);
        const share = shareAfter(failures, sum(needs.slice(0, lanes)));
        try {
          const build = () => builder.build(manifest, place, requests, { lanes, purpose });
          return await admission.run(purpose, share, build, signal);
        } catch (error) {
          if (!isPoolExhausted(error)) throw error;
          if (share === 'alone') throw failedAlone(error, requests, poolBytes);
          await sleep(backoffMs(PAUSE, failures + 1), signal);
        }
      }
    },
  };
}

const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** The most lanes, up to `most`, whose largest builds fit together, 1 at least. `needs`: bytes of each build, the largest first. */
function lanesWithin(poolBytes: number, needs: readonly number[], most: number): number {
  let [lanes, bytes] = [0, 0];
  for (const need of needs.slice(0, most)) {
    bytes += need;
    if (bytes > poolBytes) break;
    lanes += 1;
  }
  return Math.max(1, lanes);
}

function shareAfter(failures: number, need: number): Share {
  if (failures === 0) return need;
  return failures <= WHOLE_TRIES ? 'whole' : 'alone';
}

/**
 * The engine gives its errors no kind, only text, and calls a full disk by the same name, which no waiting helps. Held by a test that
 * exhausts a real pool.
 */
function isPoolExhausted(error: unknown): boolean {
  return (
    error instanceof SegmentdError &&
    error.code === 'build_failed' &&
    /Resources exhausted: (?!.*\bdisk\b)/.test(messageOf(error.cause))
  );
}

function failedAlone(error: unknown, requests: readonly SegmentRequest[], poolBytes: number): SegmentdError {
  const columns = requests.map(({ column }) => column).join(', ');
  return new SegmentdError(
    'build_failed',
    `LanceDB could not index ${columns} in ${poolBytes} bytes of memory, with no other build beside it: raise build.memory_bytes`,
    { cause: error },
  );
}
