import { performance } from 'node:perf_hooks';
import { sleep } from './sleep.ts';

/** The share of a second in which the event loop has work, above which the process is busy. */
const BUSY = 0.5;
const LOOK_MS = 1_000;

/** The share of the next second, or of what is left of it when the signal fires, in which the event loop has work. */
async function nextUtilization(signal: AbortSignal): Promise<number> {
  const before = performance.eventLoopUtilization();
  await sleep(LOOK_MS, signal, { ref: false });
  return performance.eventLoopUtilization(before).utilization;
}

/**
 * Collects garbage once the process is not busy, and gives the memory back to the machine: after work that never comes again in this amount, V8 would
 * keep it for more of the same. Takes a fifth of a second for a heap of 100 MB, in which nothing else is done. Does nothing where Node was started without
 * `--expose-gc`, or when the signal has fired. `utilization`: for tests.
 */
export async function giveBackMemory(signal: AbortSignal, utilization = nextUtilization): Promise<void> {
  if (globalThis.gc === undefined) return;
  while ((await utilization(signal)) > BUSY && !signal.aborted);
  if (!signal.aborted) await globalThis.gc({ type: 'major', flavor: 'last-resort', execution: 'async' });
}
