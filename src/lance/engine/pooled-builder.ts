/**
 * Builds within the memory of the engine's pool: a build waits until it fits, and one that finds the pool exhausted all the same, since
 * its need is an estimate, is tried again with more room. Only a build that runs alone and fails has failed.
 */
import { backoffMs } from '../../lib/backoff.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { sleep } from '../../lib/sleep.ts';
import type { SegmentBuilder, SegmentRequest } from '../segment.ts';
import type { Share } from './build-admission.ts';
import type { MemoryPool } from './memory-pool.ts';
import { buildBytes } from './sort-memory.ts';

/** Tries beside builds of the other purpose, before one that waits for all of them to end. */
const WHOLE_TRIES = 6;

/** How long a build that spills takes to give memory back. */
const PAUSE = { initialMs: 50, maxMs: 1_000 };

/** A builder in front of `builder`. Once `signal` has fired, builds that wait for memory reject. */
export function pooledBuilder(
  builder: SegmentBuilder,
  { bytes: poolBytes, admission }: MemoryPool,
  signal?: AbortSignal,
): SegmentBuilder {
  return {
    async build(manifest, place, requests, purpose = 'fresh') {
      const needs = requests.map((request) => buildBytes(manifest, request, poolBytes));
      // One index is built after the other, or all side by side.
      const need = place.remote ? needs.reduce((sum, bytes) => sum + bytes, 0) : Math.max(0, ...needs);
      const task = () => builder.build(manifest, place, requests, purpose);
      for (let failures = 0; ; failures++) {
        const share = shareAfter(failures, need);
        try {
          return await admission.run(purpose, share, task, signal);
        } catch (error) {
          if (!isPoolExhausted(error)) throw error;
          if (share === 'alone') throw failedAlone(error, requests, poolBytes);
          await sleep(backoffMs(PAUSE, failures + 1), signal);
        }
      }
    },
  };
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
