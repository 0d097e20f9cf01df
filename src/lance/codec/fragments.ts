/**
 * The fragment list of a manifest, scanned without decoding its files.
 *
 *   DataFragment = 1 id · 2 { DataFile } · 3 DeletionFile · 4 physical_rows · 5..10 row id and version sequences · 11 { overlay }
 *   DeletionFile = 1 file_type · 2 read_version · 3 id · 4 num_deleted_rows · 7 base_id
 */
import { SegmentdError } from '../../lib/errors.ts';
import { Cursor } from './wire.ts';

type FragmentColumns = Omit<FragmentList, 'length' | 'indexOf' | 'lowerBound' | 'bytesOf' | 'end' | 'isPrefixOf'>;

/** Columns of the fragment list, sorted by fragment id. */
export class FragmentList {
  /** Bytes of the manifest message that the offsets point into. */
  readonly bytes: Uint8Array;
  readonly ids: Uint32Array;
  /** Rows that are not deleted. */
  readonly rows: Uint32Array;
  /** Rows that are. */
  readonly deleted: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Why Lance itself would rewrite this list before committing, if it would (lance-format: old tables). */
  readonly migration: string | null;
  readonly hasOverlays: boolean;
  /** Where the first fragment's tag begins. */
  readonly listStart: number;
  /** Whether the fragments stand one behind the other, sorted. */
  readonly inOrder: boolean;

  constructor(columns: FragmentColumns) {
    this.bytes = columns.bytes;
    this.ids = columns.ids;
    this.rows = columns.rows;
    this.deleted = columns.deleted;
    this.starts = columns.starts;
    this.ends = columns.ends;
    this.migration = columns.migration;
    this.hasOverlays = columns.hasOverlays;
    this.listStart = columns.listStart;
    this.inOrder = columns.inOrder;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Position of a fragment id, or -1. */
  indexOf(id: number): number {
    const position = this.lowerBound(id, 0);
    return this.ids[position] === id ? position : -1;
  }

  /** First position at or after `from` whose id is not below `id`: an exponential search, fast for near positions. */
  lowerBound(id: number, from: number): number {
    const { ids } = this;
    let low = from;
    let step = 1;
    while (low + step < ids.length && (ids[low + step] as number) < id) {
      low += step;
      step *= 2;
    }
    let high = Math.min(ids.length, low + step + 1);
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((ids[middle] as number) < id) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Where the last fragment ends, when the list stands in one piece and in order, as Lance writes it; else null. */
  get end(): number | null {
    const { starts, ends, inOrder } = this;
    const last = ends.at(-1);
    return inOrder && last !== undefined && starts.length > 0 ? last : null;
  }

  /** Whether `message` begins to list the very same fragments where this one did, so that none of them need be scanned. */
  isPrefixOf(message: Uint8Array, listStart: number): boolean {
    const { end } = this;
    if (end === null || listStart !== this.listStart || end > message.length) return false;
    return Buffer.compare(this.bytes.subarray(listStart, end), message.subarray(listStart, end)) === 0;
  }

  /** The DataFragment message at a position, a view. */
  bytesOf(position: number): Uint8Array {
    return this.bytes.subarray(this.starts[position], this.ends[position]);
  }
}

/** Positions of the DataFragment messages, in file order: the top-level scan of the manifest fills it. */
export type FragmentSpans = {
  readonly starts: number[];
  readonly ends: number[];
  /** Where the first fragment's tag begins. */
  listStart: number;
  /** Where the last one ends; null before the first. */
  listEnd: number | null;
  /** Whether nothing stands between the fragments. */
  contiguous: boolean;
};

const MAX_FRAGMENT_ID = 0xffff_ffff;

/**
 * Scans the fragments at `spans`. With `known`, whose fragments the message begins with, only those behind them: appends leave
 * the list before them as it was, and a table of 100,000 fragments is read repeatedly.
 */
export function scanFragments(bytes: Uint8Array, spans: FragmentSpans, known?: FragmentList): FragmentList {
  const before = known?.length ?? 0;
  const count = before + spans.starts.length;
  const ids = new Uint32Array(count);
  const rows = new Uint32Array(count);
  const deleted = new Uint32Array(count);
  const starts = new Uint32Array(count);
  const ends = new Uint32Array(count);
  if (known) {
    ids.set(known.ids);
    rows.set(known.rows);
    deleted.set(known.deleted);
    starts.set(known.starts);
    ends.set(known.ends);
  }
  starts.set(spans.starts, before);
  ends.set(spans.ends, before);
  let migration = known?.migration ?? null;
  let hasOverlays = known?.hasOverlays ?? false;
  let sorted = true;
  for (let at = before; at < count; at++) {
    const seen = scanFragment(new Cursor(bytes, starts[at] as number, ends[at] as number));
    ids[at] = seen.id;
    rows[at] = Math.max(0, seen.physicalRows - seen.deletedRows);
    deleted[at] = seen.deletedRows;
    if (at > 0 && (ids[at - 1] as number) >= seen.id) sorted = false;
    if (seen.overlay) hasOverlays = true;
    if (seen.physicalRows === 0) migration ??= `fragment ${seen.id} has no row count`;
    if (seen.uncountedDeletions) migration ??= `the deletion file of fragment ${seen.id} has no count`;
  }
  const columns = { bytes, ids, rows, deleted, starts, ends };
  return new FragmentList({
    ...(sorted ? columns : sortById(columns)),
    migration,
    hasOverlays,
    listStart: spans.listStart,
    inOrder: sorted && spans.contiguous,
  });
}

type FragmentScan = {
  id: number;
  physicalRows: number;
  deletedRows: number;
  uncountedDeletions: boolean;
  overlay: boolean;
};

function scanFragment(cursor: Cursor): FragmentScan {
  const scan: FragmentScan = { id: 0, physicalRows: 0, deletedRows: 0, uncountedDeletions: false, overlay: false };
  while (cursor.next()) {
    switch (cursor.field) {
      case 1:
        scan.id = cursor.varint();
        break;
      case 3:
        scan.deletedRows = deletedRowsOf(cursor.message());
        scan.uncountedDeletions = scan.deletedRows === 0;
        break;
      case 4:
        scan.physicalRows = cursor.varint();
        break;
      case 11:
        scan.overlay = true;
        cursor.skip();
        break;
      default:
        cursor.skip();
    }
  }
  if (scan.id > MAX_FRAGMENT_ID) {
    throw new SegmentdError('table_unreadable', `fragment id ${scan.id} does not fit the 32 bits of a fragment bitmap`);
  }
  return scan;
}

function deletedRowsOf(deletionFile: Cursor): number {
  let rows = 0;
  while (deletionFile.next()) {
    if (deletionFile.field === 4) rows = deletionFile.varint();
    else deletionFile.skip();
  }
  return rows;
}

type Columns = Pick<FragmentList, 'bytes' | 'ids' | 'rows' | 'deleted' | 'starts' | 'ends'>;

/** Lance writes the list sorted; the format does not promise it. Duplicate ids would make two fragments one: refused. */
function sortById(columns: Columns): Columns {
  const order = Array.from(columns.ids.keys()).sort((a, b) => (columns.ids[a] as number) - (columns.ids[b] as number));
  const pick = (column: Uint32Array) => Uint32Array.from(order, (position) => column[position] as number);
  const ids = pick(columns.ids);
  for (let at = 1; at < ids.length; at++) {
    if (ids[at - 1] === ids[at]) {
      throw new SegmentdError('table_unreadable', `fragment id ${ids[at]} appears twice in the manifest`);
    }
  }
  return {
    bytes: columns.bytes,
    ids,
    rows: pick(columns.rows),
    deleted: pick(columns.deleted),
    starts: pick(columns.starts),
    ends: pick(columns.ends),
  };
}
