/** What a benchmark does when it is told to end before it has. */
import { constants } from 'node:os';
import type { Cleanup } from '../../src/lib/cleanup.ts';

type Interrupt = 'SIGINT' | 'SIGTERM';
const INTERRUPTS: readonly Interrupt[] = ['SIGINT', 'SIGTERM'];

/** Calls `listener` for each, until what it returns is called. */
export function onInterrupt(listener: (signal: Interrupt) => void): () => void {
  for (const signal of INTERRUPTS) process.on(signal, listener);
  return () => {
    for (const signal of INTERRUPTS) process.off(signal, listener);
  };
}

/** A run that is interrupted leaves nothing behind. `over`: does not resolve once it is, since what fails from then on fails because of that. */
export function cleanUpOnInterrupt(cleanup: Cleanup): { over(): Promise<void> } {
  let isInterrupted = false;
  const stop = onInterrupt((signal) => {
    if (isInterrupted) return;
    isInterrupted = true;
    const exit = () => process.exit(128 + constants.signals[signal]);
    cleanup.run().then(exit, exit);
  });
  return {
    async over() {
      if (isInterrupted) await new Promise(() => undefined);
      stop();
    },
  };
}
