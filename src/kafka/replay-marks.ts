/**
 * Which dead letters were replayed: records in the dead-letter topic itself, so that every host knows, and for as long as the letters are
 * kept. A mark is written after its letters were sent: a crash between the two sends them again, which is harmless.
 */
import type { OutRecord } from './producer.ts';

const MARK = 'segmentd-replayed';
/** Positions in one record: a few bytes each. */
const MOST = 1_000;

/** `<partition>:<offset>` in the dead-letter topic. */
export type LetterPosition = `${number}:${string}`;

/** The marks for these letters. They are no dead letters: no header says a reason. */
export function* replayMarks(letters: readonly LetterPosition[], by: string, time: string): Generator<OutRecord> {
  for (let at = 0; at < letters.length; at += MOST) {
    const value = JSON.stringify({ replayed: letters.slice(at, at + MOST), by, time });
    yield { key: null, value: Buffer.from(value), headers: new Map([[MARK, '1']]) };
  }
}

/** The letters that a record marks, or undefined for one that is no mark. */
export function marked(
  headers: ReadonlyMap<string, Uint8Array>,
  value: Uint8Array | null,
): readonly LetterPosition[] | undefined {
  if (!headers.has(MARK)) return undefined;
  try {
    const { replayed } = JSON.parse(Buffer.from(value ?? []).toString()) as { replayed?: unknown };
    return Array.isArray(replayed) ? replayed.filter((it) => typeof it === 'string' && /^\d+:\d+$/.test(it)) : [];
  } catch {
    // Somebody else's record under our header marks nothing.
    return [];
  }
}
