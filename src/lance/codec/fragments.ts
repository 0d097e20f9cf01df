/**
 * The fragment list of a manifest, scanned without decoding its files.
 *
 *   DataFragment = 1 id · 2 { DataFile } · 3 DeletionFile · 4 physical_rows · 5..10 row id and version sequences · 11 { overlay }
 *   DeletionFile = 1 file_type · 2 read_version · 3 id · 4 num_deleted_rows · 7 base_id
 */
import { SegmentdError } from '../../lib/errors.ts';
import { Cursor } from './wire.ts';

/** Columns of the fragment list, sorted by fragment id. */
export class FragmentList {
  /** Bytes of the manifest message that the offsets point into. */
  readonly bytes: Uint8Array;
  readonly ids: Uint32Array;
  /** Rows that are not deleted. */
  readonly rows: Uint32Array;
  readonly starts: Uint32Array;
  readonly ends: Uint32Array;
  /** Why Lance itself would rewrite this list before committing, if it would (lance-format: old tables). */
  readonly migration: string | null;
  readonly hasOverlays: boolean;

  constructor(columns: Omit<FragmentList, 'length' | 'indexOf' | 'lowerBound' | 'bytesOf'>) {
    this.bytes = columns.bytes;
    this.ids = columns.ids;
    this.rows = columns.rows;
    this.starts = columns.starts;
    this.ends = columns.ends;
    this.migration = columns.migration;
    this.hasOverlays = columns.hasOverlays;
  }

  get length(): number {
    return this.ids.length;
  }

  /** Position of a fragment id, or -1. */
  indexOf(id: number): number {
    const position = this.lowerBound(id, 0);
    return this.ids[position] === id ? position : -1;
  }

  /** First position at or behind `from` whose id is not below `id`: steps that double, then halves, so that near is fast. */
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

  /** The DataFragment message at a position, a view. */
  bytesOf(position: number): Uint8Array {
    return this.bytes.subarray(this.starts[position], this.ends[position]);
  }
}

/** Positions of the DataFragment messages, in file order: the top-level scan of the manifest fills it. */
export type FragmentSpans = { readonly starts: number[]; readonly ends: number[] };

const MAX_FRAGMENT_ID = 0xffff_ffff;

export function scanFragments(bytes: Uint8Array, spans: FragmentSpans): FragmentList {
  const count = spans.starts.length;
  const ids = new Uint32Array(count);
  const rows = new Uint32Array(count);
  let migration: string | null = null;
  let hasOverlays = false;
  let sorted = true;
  for (let at = 0; at < count; at++) {
    const seen = scanFragment(new Cursor(bytes, spans.starts[at] as number, spans.ends[at] as number));
    ids[at] = seen.id;
    rows[at] = Math.max(0, seen.physicalRows - seen.deletedRows);
    if (at > 0 && (ids[at - 1] as number) >= seen.id) sorted = false;
    if (seen.overlay) hasOverlays = true;
    if (seen.physicalRows === 0) migration ??= `fragment ${seen.id} has no row count`;
    if (seen.uncountedDeletions) migration ??= `the deletion file of fragment ${seen.id} has no count`;
  }
  const columns = { bytes, ids, rows, starts: Uint32Array.from(spans.starts), ends: Uint32Array.from(spans.ends) };
  return new FragmentList({ ...(sorted ? columns : sortById(columns)), migration, hasOverlays });
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

type Columns = Pick<FragmentList, 'bytes' | 'ids' | 'rows' | 'starts' | 'ends'>;

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
    starts: pick(columns.starts),
    ends: pick(columns.ends),
  };
}
