/** The segments that the daemon leaves of an index over vectors after many appends, built over a table that has them all. */
import { applyBuild } from '../../src/lance/commit/apply-build.ts';
import { viewBuilder } from '../../src/lance/engine/segment-builder.ts';
import { kindNamed } from '../../src/lance/plan/index-kind.ts';
import type { SegmentRequest } from '../../src/lance/segment.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import type { IndexParameters, KindName } from '../../src/lib/index-kinds.ts';
import type { MergeSettings } from '../../src/merge/policy/tiered.ts';
import { planAhead } from '../../src/merge/policy/tiered.ts';
import { localStore } from '../../src/store/local-store.ts';

/** A segment with the rows that its table had when it was built. */
export type PlannedSegment = {
  readonly fragments: readonly number[];
  readonly rows: number;
  readonly tableRows: number;
};

/** What batches of at least `floor` rows and the merges after each of them leave of `appends` fragments; and all rows ever indexed. */
export function segmentsAfter(
  appends: number,
  rowsEach: number,
  floor: number,
  settings: MergeSettings,
): { readonly segments: readonly PlannedSegment[]; readonly written: number } {
  let segments: (PlannedSegment & { readonly uuid: string })[] = [];
  let waiting: number[] = [];
  let written = 0;
  let made = 0;
  const add = (fragments: readonly number[], tableRows: number) => {
    made += 1;
    written += fragments.length * rowsEach;
    return { uuid: String(made), fragments, rows: fragments.length * rowsEach, tableRows };
  };
  for (let append = 0; append < appends; append++) {
    waiting.push(append);
    if (waiting.length * rowsEach < floor) continue;
    const tableRows = (append + 1) * rowsEach;
    segments.push(add(waiting, tableRows));
    waiting = [];
    for (;;) {
      const candidates = segments.map((it) => ({
        ...it,
        positions: Uint32Array.from(it.fragments),
        hasMuchDeleted: false,
      }));
      const [run] = planAhead(candidates, settings, 1).runs;
      if (!run) break;
      const inputs = segments.filter(({ uuid }) => run.uuids.includes(uuid));
      const at = segments.indexOf(inputs[0] as (typeof segments)[number]);
      const rest = segments.filter((it) => !inputs.includes(it));
      const merged = add(
        inputs.flatMap(({ fragments }) => fragments),
        tableRows,
      );
      segments = [...rest.slice(0, at), merged, ...rest.slice(at)];
    }
  }
  return { segments, written };
}

const COMMIT = { maxAttempts: 1, initialBackoffMs: 0, writer: { library: 'segmentd', version: 'bench' } };

/** Builds the segments as segmentd does, in the partitions of their rows. Gives the partitions. */
export async function buildSegments(
  uri: string,
  scratch: string,
  kindName: KindName,
  parameters: IndexParameters,
  segments: readonly PlannedSegment[],
  asked: IndexParameters = {},
): Promise<number[]> {
  const kind = kindNamed(kindName);
  const table = new LanceTable(localStore(uri));
  const builder = viewBuilder(scratch);
  const partitions: number[] = [];
  for (const { fragments, rows, tableRows } of segments) {
    const manifest = await table.latest();
    const field = manifest.schema.find(({ name }) => name === 'vector');
    if (!field || !kind.perSegment) throw new Error('no vectors');
    const noSegments = { entries: [], rowsOf: () => 0, allRows: tableRows };
    const own = kind.perSegment.share(kind.perSegment.whole(asked, noSegments, field), rows, tableRows);
    const request: SegmentRequest = {
      ...{ index: 'vector_idx', kind: kindName, parameters, own, fieldId: field.id, column: 'vector', rows },
      fragments: Uint32Array.from(fragments),
    };
    await using build = await builder.build(manifest, table.place(), [request]);
    const done = await applyBuild(table, build, { replaces: [], properties: {} }, COMMIT);
    if (done.kind === 'moved') throw new Error(done.cause);
    partitions.push(Number(own.num_partitions));
  }
  return partitions;
}
