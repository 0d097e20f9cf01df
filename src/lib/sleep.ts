import { setTimeout as timer } from 'node:timers/promises';

/**
 * Resolves after `ms` milliseconds, or as soon as `signal` fires; never rejects. With `ref: false` the wait does not keep the
 * process alive.
 */
export async function sleep(ms: number, signal?: AbortSignal, options: { readonly ref?: boolean } = {}): Promise<void> {
  await timer(ms, undefined, signal ? { ...options, signal } : options).catch(() => undefined);
}
