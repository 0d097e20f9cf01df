/** Where segmentd is killed, in the order of its work, and how often in a row it passes there for two batches. */

/** On the way of a commit. A name alone is the moment before, except for those in the past tense. */
const OF_COMMITS = {
  view: 'before the manifest of the fragment view is written',
  'view-made': 'after that',
  index: 'before LanceDB builds an index in it',
  'index-built': 'after that',
  'segment-uploaded': 'after the folder of a segment has been moved into the table, with others to come or not',
  uploaded: 'after all have been, before they are made durable',
  'transaction-staged': 'before the transaction file gets its name',
  transaction: 'after that',
  staging: 'after the staging file of the manifest was made, before its bytes',
  staged: 'before the manifest gets its name',
  linked: 'after that, the staging file still there',
  unstaged: 'after that is gone',
} as const;

const OF_EVENTS = {
  ack: 'before an event is acknowledged',
  offsets: 'before offsets are committed',
  'offsets-committed': 'after the commit was answered',
} as const;

type CommitPoint = keyof typeof OF_COMMITS;

/** What the process passes. Which commit it is for, one of fresh data or a merge, is known where it is watched. */
export type Passage = CommitPoint | keyof typeof OF_EVENTS;

/** The same points on the way of a merge, and after it has landed, before its local files are gone. */
export type KillPoint = Passage | `merge-${CommitPoint}` | 'merged';

export type Arming = { readonly point: KillPoint; readonly nth: number };

const COMMIT_POINTS = Object.keys(OF_COMMITS) as CommitPoint[];
const EVENT_POINTS = Object.keys(OF_EVENTS) as (keyof typeof OF_EVENTS)[];
const POINTS: readonly KillPoint[] = [
  ...COMMIT_POINTS,
  ...EVENT_POINTS,
  ...COMMIT_POINTS.map((point) => `merge-${point}` as const),
  'merged',
];

/** Rounds in which every point has its turn once. */
export const ROUNDS_OF_ALL_POINTS = POINTS.length;

/** Passages at least, when two appends of one fragment each are indexed on two columns by two commits, and then merged by one. */
const PASSAGES: Partial<Record<KillPoint, number>> = {
  index: 4,
  'index-built': 4,
  'segment-uploaded': 4,
  uploaded: 5,
  offsets: 1,
  'offsets-committed': 1,
  'merge-index': 2,
  'merge-index-built': 2,
  'merge-segment-uploaded': 2,
  'merge-uploaded': 2,
};

const passagesOf = (point: KillPoint) => PASSAGES[point] ?? (point.startsWith('merge') ? 1 : 2);

/** Every point in turn, and when its turn comes again a later passage of it. */
export function armingOf(round: number): Arming {
  const point = POINTS[round % POINTS.length] as KillPoint;
  return { point, nth: 1 + (Math.floor(round / POINTS.length) % passagesOf(point)) };
}

export class Hits {
  readonly #hits = new Map<string, number>();

  add({ point }: Arming): void {
    this.#hits.set(point, (this.#hits.get(point) ?? 0) + 1);
  }

  get total(): number {
    return [...this.#hits.values()].reduce((sum, hits) => sum + hits, 0);
  }

  /** Points that no process passed. */
  get missed(): string[] {
    return POINTS.filter((point) => !this.#hits.has(point));
  }

  toString(): string {
    return POINTS.map((point) => `${point} ${this.#hits.get(point) ?? 0}`).join(', ');
  }
}
