/**
 * Says on a terminal what a command waits for, so that nobody wonders whether it hangs: after two seconds without a word, in one line that
 * is drawn again each second and goes when there is more to read. In a file or a pipe nobody waits, and it would be noise.
 */
import type { Output } from './io.ts';
import { printable } from './output.ts';

const SILENCE_MS = 2_000;
const REDRAW_MS = 1_000;
const ERASE_LINE = '\r\x1b[K';

type Streams = { readonly stdout: Output; readonly stderr: Output };

export type Patience = Streams & {
  /** What the command waits for, from now on. */
  doing(what: string): void;
  /** Begins to watch over the silence of a command. */
  start(command: string): void;
  /** No more is said. */
  stop(): void;
};

/** The streams that it returns take what the command writes. `nowMs` is for tests. */
export function openPatience(
  { stdout, stderr }: Streams,
  nowMs: () => number = performance.now.bind(performance),
): Patience {
  let what = 'at work';
  let lastMs = 0;
  let startMs = 0;
  let isDrawn = false;
  let timer: NodeJS.Timeout | undefined;
  const erase = () => {
    if (isDrawn) stderr.write(ERASE_LINE);
    isDrawn = false;
  };
  const look = (command: string) => {
    const ms = nowMs();
    if (ms - lastMs < (isDrawn ? REDRAW_MS : SILENCE_MS)) return;
    const text = `segmentd ${command}: ${printable(what)}, ${Math.floor((ms - startMs) / 1000)} s`;
    stderr.write(`${ERASE_LINE}${text}`);
    isDrawn = true;
    lastMs = ms;
  };
  const heard = (out: Output): Output => ({
    write(text) {
      erase();
      lastMs = nowMs();
      return out.write(text);
    },
    get isTTY() {
      return out.isTTY;
    },
    get columns() {
      return out.columns;
    },
    get rows() {
      return out.rows;
    },
  });
  return {
    stdout: heard(stdout),
    stderr: heard(stderr),
    doing: (now) => {
      what = now;
    },
    start(command) {
      if (!stderr.isTTY) return;
      startMs = nowMs();
      lastMs = startMs;
      timer = setInterval(() => look(command), REDRAW_MS / 2);
      timer.unref();
    },
    stop() {
      clearInterval(timer);
      erase();
    },
  };
}
