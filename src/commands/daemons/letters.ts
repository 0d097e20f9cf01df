/** The dead letters of a topic, and which of them are meant. */
import type { Databases } from '../../events/table-address.ts';
import { resolveTable } from '../../events/table-address.ts';
import { CORRUPT_BATCH_HEADER } from '../../kafka/corrupt-batch.ts';
import type { ReadLetter } from '../../kafka/dead-letter.ts';
import { readDeadLetter } from '../../kafka/dead-letter.ts';
import type { FollowedRecord } from '../../kafka/follow-topic.ts';
import type { LetterPosition } from '../../kafka/replay-marks.ts';
import { marked } from '../../kafka/replay-marks.ts';
import { ERRORS, SegmentdError } from '../../lib/errors.ts';

export type Letter = ReadLetter & {
  /** In the dead-letter topic. */
  readonly position: LetterPosition;
  /** When it became one, milliseconds since the epoch. */
  readonly atMs: number;
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  /** `<database>/<table>` where the record names one of a configured database, else what it names; null where it names none. */
  readonly table: string | null;
};

export type LetterFilter = {
  readonly code?: readonly string[] | undefined;
  readonly table?: string | undefined;
  /** Milliseconds since the epoch. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  readonly position?: readonly string[] | undefined;
};

type KeptRecord = Pick<FollowedRecord, 'partition' | 'offset' | 'key' | 'value' | 'headers' | 'timestamp'>;

/** Takes the records of a dead-letter topic one by one. */
export class LetterBox {
  readonly #databases: Databases;
  readonly #letters: Letter[] = [];
  readonly #replayed = new Set<string>();

  constructor(databases: Databases) {
    this.#databases = databases;
  }

  add({ partition, offset, key, value, headers, timestamp }: KeptRecord): void {
    const marks = marked(headers, value);
    for (const mark of marks ?? []) this.#replayed.add(mark);
    const letter = marks === undefined ? readDeadLetter(headers) : undefined;
    if (!letter) return;
    const table = tableOf(this.#databases, key, value);
    this.#letters.push({ ...letter, position: `${partition}:${offset}`, atMs: Number(timestamp), key, value, table });
  }

  /** Newest first. */
  of({ code, table, since, until, position }: LetterFilter): Letter[] {
    const wanted = table === undefined ? undefined : resolved(this.#databases, table);
    return this.#letters
      .filter(
        (it) =>
          (code === undefined || code.includes(it.code)) &&
          (wanted === undefined || it.table === wanted) &&
          it.atMs >= (since ?? Number.NEGATIVE_INFINITY) &&
          it.atMs <= (until ?? Number.POSITIVE_INFINITY) &&
          (position === undefined || position.includes(it.position)),
      )
      .sort((a, b) => b.atMs - a.atMs);
  }

  /** Those of the codes that neither an error of this version nor a letter has: another version may have made it. */
  unknownCodes(codes: readonly string[]): string[] {
    const known = new Set(this.#letters.map(({ code }) => code));
    return codes.filter((code) => !Object.hasOwn(ERRORS, code) && !known.has(code));
  }

  /** Those of the positions that no letter has. */
  absent(positions: readonly string[]): string[] {
    const there = new Set<string>(this.#letters.map(({ position }) => position));
    return positions.filter((position) => !there.has(position));
  }

  wasReplayed({ position }: Letter): boolean {
    return this.#replayed.has(position);
  }
}

/** Why the record of a letter cannot be sent again, or undefined. */
export function notReplayable({ omitted, headers, source }: Letter): string | undefined {
  const where = source ? `${source.topic} ${source.partition}:${source.offset}` : 'an unknown place';
  if (omitted.length > 0)
    return `the ${omitted.join(' and the ')} were too large to be kept; the record is at ${where}`;
  if (headers.has(CORRUPT_BATCH_HEADER)) return `its batch could not be unpacked; it is at ${where}`;
  return undefined;
}

function tableOf(databases: Databases, key: Uint8Array | null, value: Uint8Array | null): string | null {
  const named = namedIn(value) ?? (key === null ? null : Buffer.from(key).toString());
  return named === null || named === '' ? null : resolved(databases, named);
}

/** In a plain event, or in the data of a CloudEvent. */
function namedIn(value: Uint8Array | null): string | null {
  try {
    const { table, data } = JSON.parse(Buffer.from(value ?? []).toString()) as {
      table?: unknown;
      data?: { table?: unknown };
    };
    const named = table ?? data?.table;
    return typeof named === 'string' ? named : null;
  } catch {
    // A value that is no JSON is a usual reason for a dead letter.
    return null;
  }
}

function resolved(databases: Databases, address: string): string {
  try {
    return resolveTable(databases, address).id;
  } catch (error) {
    if (error instanceof SegmentdError) return address;
    throw error;
  }
}
