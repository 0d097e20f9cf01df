/** Where segmentd is killed, in the order of its work, and how often in a row it passes there for two batches. */

/** A name alone is the moment before, except for those in the past tense. */
export const KILL_POINTS = {
  view: 'before the manifest of the fragment view is written',
  'view-made': 'after that',
  index: 'before LanceDB builds an index in it',
  'index-built': 'after that',
  'file-published': 'after a file has been moved into the table, with others to come or not',
  published: 'after all have been, before they are made durable',
  'transaction-staged': 'before the transaction file gets its name',
  transaction: 'after that',
  staging: 'after the staging file of the manifest was made, before its bytes',
  staged: 'before the manifest gets its name',
  linked: 'after that, the staging file still there',
  unstaged: 'after that is gone',
  'hint-staged': 'before the version hint gets its name',
  hint: 'after that',
  ack: 'before an event is acknowledged',
  offsets: 'before offsets are committed',
  'offsets-committed': 'after the commit was answered',
} as const;

export type KillPoint = keyof typeof KILL_POINTS;

export type Arming = { readonly point: KillPoint; readonly nth: number };

const POINTS = Object.keys(KILL_POINTS) as KillPoint[];

/** Passages at least, when two appends of one fragment each are indexed on two columns by two commits. */
const PASSAGES: Partial<Record<KillPoint, number>> = {
  index: 4,
  'index-built': 4,
  'file-published': 8,
  published: 5,
  offsets: 1,
  'offsets-committed': 1,
};

/** Every point in turn, and when its turn comes again a later passage of it. */
export function armingOf(round: number): Arming {
  const point = POINTS[round % POINTS.length] as KillPoint;
  return { point, nth: 1 + (Math.floor(round / POINTS.length) % (PASSAGES[point] ?? 2)) };
}

export class Hits {
  readonly #hits = new Map<string, number>();

  add({ point }: Arming): void {
    this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#hits.values()].reduce((sum, hits) => sum + hits, 0);
  }

  /** Points that nobody came by. */
  get missed(): string[] {
    return POINTS.filter((point) => !this.#hits.has(point));
  }

  toString(): string {
    return POINTS.map((point) => `${point} ${this.#hits.get(point) ?? 0}`).join(', ');
  }
}
