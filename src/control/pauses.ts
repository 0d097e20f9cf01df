/** Tables that an operator has paused. Their events wait, unacknowledged, so nothing is lost. */

export type Pauses = {
  pause(table: string): void;
  resume(table: string): void;
  isPaused(table: string): boolean;
  paused(): string[];
  /** Resolves at once unless the table is paused, else when it is resumed. */
  whenResumed(table: string): Promise<void>;
};

export function createPauses(): Pauses {
  const waiting = new Map<string, (() => void)[]>();
  return {
    pause(table) {
      if (!waiting.has(table)) waiting.set(table, []);
    },
    resume(table) {
      const released = waiting.get(table) ?? [];
      waiting.delete(table);
      for (const release of released) release();
    },
    isPaused: (table) => waiting.has(table),
    paused: () => [...waiting.keys()],
    whenResumed(table) {
      const list = waiting.get(table);
      return list ? new Promise((resolve) => list.push(resolve)) : Promise.resolve();
    },
  };
}
