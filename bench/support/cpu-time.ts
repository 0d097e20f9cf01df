/** What a process has computed so far, by thread, where Linux tells. */
import { readdirSync, readFileSync } from 'node:fs';

export type CpuTime = {
  /** Milliseconds of all its threads. */
  readonly all: number;
  /** Of the first of them, which runs the JavaScript. */
  readonly main: number;
};

/** Null anywhere else. Threads that have ended are not counted. */
export function cpuTimeOf(pid: number): CpuTime | null {
  try {
    const tasks = `/proc/${pid}/task`;
    const ms = (task: string) => Number(readFileSync(`${tasks}/${task}/schedstat`, 'utf8').split(' ')[0]) / 1e6;
    const all = readdirSync(tasks).reduce((sum, task) => sum + ms(task), 0);
    return { all, main: ms(String(pid)) };
  } catch {
    return null;
  }
}
