/**
 * Proves segments that were just committed, in a view of the very version that they were committed in, over their own fragments alone: what
 * others delete, update, append or compact meanwhile is no part of it, so that a wrong answer is one of the segment.
 */
import { SegmentdError } from '../../lib/errors.ts';
import { seeded } from '../../lib/seeded.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { kindOf } from '../plan/index-kind.ts';
import type { LanceTable } from '../table/table.ts';
import { proveIndex, vectorBounds } from './prove-index.ts';

/** Segments that a commit put into a table. */
export type FreshSegments = { readonly version: number; readonly uuids: readonly string[] };

export type FreshChecking = {
  /** Rows of each index whose values are asked for. */
  readonly samples: number;
  /** Chooses the rows: the same seed asks the same of the same version. */
  readonly seed: number;
  /** Where views lie. */
  readonly scratchDir: string;
};

/** An answer of an index that differs from a scan. Numbers are rows. */
type WrongKey = { readonly key: string; readonly expected: number; readonly found: number };

export type WrongIndex = {
  readonly index: string;
  readonly wrong: readonly WrongKey[];
  /** The entries of the manifest that were asked. */
  readonly segments: readonly IndexMetadata[];
};

export type FreshCheck =
  | {
      readonly kind: 'checked';
      /** Answers that were compared. */
      readonly answers: number;
      /** Indexes that were not asked, because their segments have too many rows for it. */
      readonly leftOut: number;
      readonly wrong: readonly WrongIndex[];
    }
  /** The version is gone, superseded while a cleanup took its files, or one of another table by now: there is nothing to tell. */
  | { readonly kind: 'moved' };

/** Most rows of segments that are compared with a scan: a pass over a column, or over texts, which are cut into words. */
const MOST_ROWS = { conditions: 5_000_000, text: 100_000 };

/** Errors are LanceDB's own, those of LanceTable, and those of a view. */
export async function checkFresh(
  table: LanceTable,
  fresh: FreshSegments,
  checking: FreshChecking,
): Promise<FreshCheck> {
  try {
    return await check(table, fresh, checking);
  } catch (error) {
    // A cleanup or a drop takes the files away that are read.
    if (await isGone(table, fresh)) return { kind: 'moved' };
    throw error;
  }
}

/**
 * Whether what the check reads may be gone without harm: the version, or the table, is no longer there, or a later version holds other files in
 * place of its. A cleanup takes such files away before it takes the version, and what is missing in the latest version is never excused so.
 */
async function isGone(table: LanceTable, { version, uuids }: FreshSegments): Promise<boolean> {
  try {
    const [checked, latest] = [await table.at(version), await table.latest()];
    const fresh = checked && entriesOf(checked, uuids);
    if (!fresh) return true;
    const kept = new Set(latest.indexes.map(({ uuid }) => uuid));
    return (
      !uuids.every((uuid) => kept.has(uuid)) ||
      !liveFragments(checked, fresh).every((id) => isSame(id, checked, latest))
    );
  } catch (error) {
    return error instanceof SegmentdError && error.code === 'table_not_found';
  }
}

/** The segments with these uuids; null unless all of them are there. */
function entriesOf({ indexes }: Manifest, uuids: readonly string[]): IndexMetadata[] | null {
  const entries = indexes.filter(({ uuid }) => uuids.includes(uuid));
  return entries.length < uuids.length ? null : entries;
}

/** Whether a fragment has the same files in both: its data, its deletions. */
function isSame(id: number, before: Manifest, after: Manifest): boolean {
  const at = after.fragments.indexOf(id);
  const bytes = before.fragments.bytesOf(before.fragments.indexOf(id));
  return at >= 0 && Buffer.compare(bytes, after.fragments.bytesOf(at)) === 0;
}

async function check(
  table: LanceTable,
  { version, uuids }: FreshSegments,
  { samples, seed, scratchDir }: FreshChecking,
): Promise<FreshCheck> {
  const manifest = await table.at(version);
  const fresh = manifest && entriesOf(manifest, uuids);
  if (!fresh) return { kind: 'moved' };
  let [answers, leftOut] = [0, 0];
  const wrong: WrongIndex[] = [];
  for (const index of new Set(fresh.map(({ name }) => name))) {
    const segments = fresh.filter(({ name }) => name === index);
    const among = liveFragments(manifest, segments);
    if (rowsOf(manifest, among) > mostRows(manifest, segments)) {
      leftOut += 1;
      continue;
    }
    const proving = { samples, random: seeded(seed), among, scratchDir };
    const report = await proveIndex(manifest, table.place(), segments, proving);
    answers += report.asked;
    const keys = report.wrong.map(({ condition, indexed, scanned }) => ({
      ...{ key: condition, expected: scanned, found: indexed },
    }));
    if (keys.length > 0) wrong.push({ index, wrong: keys, segments });
  }
  return { kind: 'checked', answers, leftOut, wrong };
}

/** All of them, though few would do: some kinds of index answer wrongly where a fragment of a segment is out of sight. */
function liveFragments({ fragments: current }: Manifest, segments: readonly IndexMetadata[]): number[] {
  const ids = segments.flatMap(({ fragments }) => Array.from(fragments ?? []));
  return [...new Set(ids)].filter((id) => current.indexOf(id) >= 0).sort((a, b) => a - b);
}

const rowsOf = ({ fragments }: Manifest, ids: readonly number[]): number =>
  ids.reduce((sum, id) => sum + (fragments.rows[fragments.indexOf(id)] ?? 0), 0);

function mostRows(manifest: Manifest, [first]: readonly IndexMetadata[]): number {
  const kind = first && kindOf(first);
  if (!kind) return 0;
  const { by } = kind.proof;
  return by === 'neighbours' ? vectorBounds(manifest, first.fields[0] as number).rows : MOST_ROWS[by];
}
