/** At most `size` tasks at once; the others wait in order of arrival. */

export type Limit = {
  /** Runs the task when a place is free. A task that waits is dropped, and the promise rejects, when `signal` fires. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  readonly active: number;
};

export function asyncLimit(size: number): Limit {
  const waiting: (() => void)[] = [];
  let active = 0;
  return {
    get active() {
      return active;
    },
    async run(task, signal) {
      if (active >= size) await new Promise<void>((resolve) => waiting.push(resolve));
      else active += 1;
      // A place is handed over without being freed in between, so `active` stays as it is.
      try {
        signal?.throwIfAborted();
        return await task();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else active -= 1;
      }
    },
  };
}
