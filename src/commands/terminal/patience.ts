/**
 * Says on standard error what a command waits for, so that nobody wonders whether it hangs: after two seconds without a word, on a terminal
 * in one line that is drawn again each second. Elsewhere a line in a log would be noise each second, so the next ones come ever later.
 */
import type { Output } from './io.ts';

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
  let gapMs = SILENCE_MS;
  let startMs = 0;
  let isDrawn = false;
  let timer: NodeJS.Timeout | undefined;
  const erase = () => {
    if (isDrawn) stderr.write(ERASE_LINE);
    isDrawn = false;
  };
  const look = (command: string) => {
    const ms = nowMs();
    if (ms - lastMs < (isDrawn ? REDRAW_MS : gapMs)) return;
    const text = `segmentd ${command}: ${what}, ${Math.floor((ms - startMs) / 1000)} s`;
    stderr.write(stderr.isTTY ? `${ERASE_LINE}${text}` : `${text}\n`);
    isDrawn = stderr.isTTY === true;
    lastMs = ms;
    gapMs = stderr.isTTY ? SILENCE_MS : 2 * gapMs;
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
