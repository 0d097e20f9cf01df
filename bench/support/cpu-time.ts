/** What a process has computed so far, by thread, where Linux tells. */
import { readFileSync } from 'node:fs';

export type CpuTime = {
  /** Milliseconds of all its threads. */
  readonly all: number;
  /** Of the first of them, which runs the JavaScript. */
  readonly main: number;
};

/** Linux counts them in hundredths of a second; getconf knows no system on which it does not. */
const TICK_MS = 10;

/** Null anywhere else. */
export function cpuTimeOf(pid: number): CpuTime | null {
  try {
    // Behind the name of the program, which may hold anything: the 12th and the 13th field, for itself and in the kernel. Threads that have ended count.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    const [main] = readFileSync(`/proc/${pid}/task/${pid}/schedstat`, 'utf8').split(' ');
    return { all: (Number(fields[11]) + Number(fields[12])) * TICK_MS, main: Number(main) / 1e6 };
  } catch {
    return null;
  }
}

/** Milliseconds between two looks for each of so many things that were done; empty where nothing tells. */
export function costOf(before: CpuTime | null, after: CpuTime | null, done: number): { cpu?: number; main?: number } {
  if (!before || !after) return {};
  return { cpu: (after.all - before.all) / done, main: (after.main - before.main) / done };
}
