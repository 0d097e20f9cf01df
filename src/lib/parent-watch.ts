/** Whether npm or npx, which pass no signal on, is still there above this process. */
import { readFileSync } from 'node:fs';

export type ProcessFacts = {
  readonly env: Readonly<Record<string, string | undefined>>;
  ppid(): number;
  /** Name and parent of another process; undefined when it has gone, and on any system but Linux. */
  look(pid: number): { readonly name: string; readonly ppid: number } | undefined;
};

const POLL_MS = 1_000;

const FACTS: ProcessFacts = { env: process.env, ppid: () => process.ppid, look };

/**
 * Calls `gone` once, within a second of the end of the npm, npx or shell that started this process; an orphan would keep its port
 * and its partitions for ever. Watches nothing in a process that npm did not start. Returns how to end the watch, which keeps no
 * process alive.
 */
export function watchParent(gone: () => void, facts: ProcessFacts = FACTS): () => void {
  // npm sets it for every process that it runs.
  if (facts.env.npm_command === undefined) return () => undefined;
  const parent = facts.ppid();
  const npm = npmAbove(parent, facts);
  const timer = setInterval(() => {
    // npm runs a shell that runs this process. SIGTERM ends both of them; SIGKILL ends npm alone.
    if (facts.ppid() === parent && (npm === undefined || npmAbove(parent, facts) === npm)) return;
    clearInterval(timer);
    gone();
  }, POLL_MS).unref();
  return () => clearInterval(timer);
}

/** The npm that runs the shell `shell`, if it is one. */
function npmAbove(shell: number, { look: ask }: ProcessFacts): number | undefined {
  const above = ask(shell)?.ppid;
  return above !== undefined && ask(above)?.name.startsWith('npm') ? above : undefined;
}

/** `pid (name) state ppid …`, proc_pid_stat(5); a name may hold anything. */
function look(pid: number): { name: string; ppid: number } | undefined {
  try {
    const [, name = '', ppid = '0'] = /^\d+ \((.*)\) \S (\d+)/s.exec(readFileSync(`/proc/${pid}/stat`, 'utf8')) ?? [];
    return { name, ppid: Number(ppid) };
  } catch {
    return undefined;
  }
}
