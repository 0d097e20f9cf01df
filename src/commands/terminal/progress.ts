/** How far long work is: a bar on a terminal, lines otherwise. Goes to standard error, so that standard output stays facts. */
import type { Output } from './io.ts';
import { thousands } from './thousands.ts';

type Progress = {
  /** `done` of `total` rows. */
  update(done: number, total: number): void;
  /** Leaves the line. */
  end(): void;
};

const BAR = 30;
const LINE_EVERY_MS = 5_000;
/** The rate is that of the last so many milliseconds: work speeds up and slows down as members come and go. */
const RATE_OVER_MS = 10_000;

type Point = { readonly ms: number; readonly done: number };

export function openProgress(out: Output, now: () => number = Date.now): Progress {
  const points: Point[] = [];
  let saidMs = Number.NEGATIVE_INFINITY;
  let drawn = false;
  return {
    update(done, total) {
      const ms = now();
      points.push({ ms, done });
      while (points.length > 2 && ms - (points[1] as Point).ms > RATE_OVER_MS) points.shift();
      const text = textOf(done, total, rateOf(points));
      if (out.isTTY) {
        const filled = total === 0 ? BAR : Math.floor((BAR * done) / total);
        out.write(`\r\x1b[K${'█'.repeat(filled)}${'·'.repeat(BAR - filled)} ${text}`);
        drawn = true;
      } else if (ms - saidMs >= LINE_EVERY_MS || done === total) {
        saidMs = ms;
        out.write(`${text}\n`);
      }
    },
    end() {
      if (drawn) out.write('\n');
    },
  };
}

/** Rows per second. */
function rateOf(points: readonly Point[]): number {
  const [first, last] = [points[0] as Point, points.at(-1) as Point];
  return last.ms > first.ms ? ((last.done - first.done) / (last.ms - first.ms)) * 1000 : 0;
}

function textOf(done: number, total: number, rate: number): string {
  // Never 100 % while anything is left.
  const percent = total === 0 ? 100 : Math.floor((100 * done) / total);
  const whole = (value: number) => thousands(Math.round(value));
  const left = rate > 0 && done < total ? `, ${duration((total - done) / rate)} left` : '';
  return `${percent} %  ${whole(done)} of ${whole(total)} rows, ${whole(rate)} rows/s${left}`;
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60)];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
