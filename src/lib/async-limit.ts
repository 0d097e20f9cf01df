/** At most `size` tasks at once; the others wait in order of arrival. */

export type Limit = {
  /** Runs the task when a slot is free; once `signal` has fired it is dropped instead, and the promise rejects. */
  run<T>(task: () => Promise<T>, signal?: AbortSignal): Promise<T>;
  /** Whether a task runs. */
  readonly busy: boolean;
  /** Resolves when no task runs. */
  idle(): Promise<void>;
};

export function asyncLimit(size: number): Limit {
  const waiting: (() => void)[] = [];
  const watching: (() => void)[] = [];
  let active = 0;
  return {
    get busy() {
      return active > 0;
    },
    idle: () => (active === 0 ? Promise.resolve() : new Promise((resolve) => watching.push(resolve))),
    async run(task, signal) {
      if (active >= size) await new Promise<void>((resolve) => waiting.push(resolve));
      else active += 1;
      // A slot is passed on without being freed in between, so `active` stays as it is.
      try {
        signal?.throwIfAborted();
        return await task();
      } finally {
        const next = waiting.shift();
        if (next) next();
        else active -= 1;
        if (active === 0) for (const resolve of watching.splice(0)) resolve();
      }
    },
  };
}
