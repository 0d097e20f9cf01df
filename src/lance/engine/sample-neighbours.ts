/**
 * What an index over vectors lists, compared with the vectors themselves. A search over all partitions for as many neighbours as there are
 * rows lists each row that the index holds, whatever the kind; where that reads too much, single vectors are searched for.
 */
import type { Table, VectorQuery } from '@lancedb/lancedb';
import type { RecordBatch, Vector } from 'apache-arrow';
import { distinctNumbers } from '../../lib/distinct-numbers.ts';
import { SegmentdError } from '../../lib/errors.ts';
import type { TablePlace } from '../segment.ts';
import { withAskedTable } from './asked-table.ts';
import type { SampleReport, WrongAnswer } from './sample-answers.ts';

export type NeighbourSampling = {
  /** Path as LanceDB has it, and as SQL has it. */
  readonly column: string;
  readonly sqlColumn: string;
  readonly metric: 'l2' | 'cosine' | 'dot' | 'hamming';
  readonly samples: number;
  /** Chooses the rows. */
  readonly random: () => number;
  /** Whether the index keeps the vectors as they are, so that its distances are exact. */
  readonly isExact: boolean;
  /** Whether its segments are small enough to read all of them. */
  readonly isListed: boolean;
};

/** More than any index has. */
const ALL_PROBES = 65_536;
/** Of a search for a vector that lies in the nearest partition, but for how numbers are rounded. */
const SOME_PROBES = 20;
const NEIGHBOURS = 10;
const REFINE = 10;
/** Vectors that a listing left out and that are searched for alone. */
const REACHED = 20;

/** Vectors of the table at `place`, all of whose rows are indexed. Errors are LanceDB's own. */
export function compareNeighbours(
  place: Pick<TablePlace, 'uri' | 'storageOptions'>,
  sampling: NeighbourSampling,
): Promise<SampleReport> {
  return withAskedTable(place, async (table) => {
    const { usable, doubtful, sampled } = await (sampling.isListed ? readAll : readSome)(table, sampling);
    const [first] = sampled;
    if (!first) return { asked: 0, leftOut: 0, wrong: [] };
    await checkPlan(searchOf(table, first.vector, sampling), sampling);
    const listing = sampling.isListed ? await compareListing(table, first.vector, { usable, doubtful }, sampling) : [];
    const isSearched = !sampling.isListed || (sampling.isExact && sampling.metric !== 'dot');
    const wrong = [...listing];
    for (const sample of isSearched ? sampled : []) {
      if (!(await isFound(table, sample, sampling))) {
        wrong.push({ condition: `the vector of row ${sample.id}`, indexed: 0, scanned: 1 });
      }
    }
    const asked = (sampling.isListed ? 1 : 0) + (isSearched ? sampled.length : 0);
    return { asked, leftOut: sampling.isListed ? 0 : 1, wrong };
  });
}

type Sample = { readonly id: bigint; readonly vector: readonly number[] };

type Read = {
  /** Rows that the index has to list, and rows of which it may do so or not. */
  readonly usable: ReadonlySet<bigint>;
  readonly doubtful: ReadonlySet<bigint>;
  readonly sampled: readonly Sample[];
};

async function readAll(table: Table, { sqlColumn, samples, metric, random }: NeighbourSampling): Promise<Read> {
  const usable = new Set<bigint>();
  const doubtful = new Set<bigint>();
  const sampled: Sample[] = [];
  for await (const batch of table.query().select({ value: sqlColumn }).withRowId()) {
    const ids = idsOf(batch);
    const vectors = batch.getChild('value') as Vector | null;
    for (const [at, id] of ids.entries()) {
      const vector: Vector | null = vectors?.get(at) ?? null;
      if (!vector || !isUsable(vector, metric)) {
        doubtful.add(id);
        continue;
      }
      usable.add(id);
      // Each vector has the same chance, however many there are.
      const place = sampled.length < samples ? sampled.length : Math.floor(random() * usable.size);
      if (place < samples) sampled[place] = { id, vector: Array.from(vector, Number) };
    }
  }
  return { usable, doubtful, sampled };
}

async function readSome(table: Table, { sqlColumn, samples, metric, random }: NeighbourSampling): Promise<Read> {
  const offsets = distinctNumbers(samples, await table.countRows(), random);
  const taken = await table.takeOffsets(offsets).select({ value: sqlColumn }).withRowId().toArrow();
  const sampled = taken.batches.flatMap((batch) =>
    idsOf(batch).flatMap((id, at) => {
      const vector: Vector | null = batch.getChild('value')?.get(at) ?? null;
      return vector && isUsable(vector, metric) ? [{ id, vector: Array.from(vector, Number) }] : [];
    }),
  );
  return { usable: new Set(), doubtful: new Set(), sampled };
}

const idsOf = (batch: RecordBatch): bigint[] => Array.from((batch.getChild('_rowid') as Vector | null) ?? [], BigInt);

/** Lance indexes no vector that is not finite; of others the length may not be, or is 0, which the cosine divides by. */
function isUsable(vector: Vector, metric: NeighbourSampling['metric']): boolean {
  if (metric === 'hamming') return true;
  let square = 0;
  for (const value of vector) square = Math.fround(square + Math.fround(value * value));
  return Number.isFinite(square) && (square > 0 || metric !== 'cosine');
}

function searchOf(table: Table, vector: readonly number[], { column, metric }: NeighbourSampling): VectorQuery {
  return table
    .query()
    .nearestTo(metric === 'hamming' ? Uint8Array.from(vector) : [...vector])
    .column(column)
    .distanceType(metric as 'l2')
    .fastSearch()
    .withRowId()
    .select(['_distance']);
}

/** A search by another metric than the index's is a scan, and proves nothing. */
async function checkPlan(search: VectorQuery, { column }: NeighbourSampling): Promise<void> {
  if ((await search.limit(1).explainPlan(true)).includes('ANNSubIndex')) return;
  throw new SegmentdError('internal', `LanceDB does not search ${column} by the index`);
}

async function compareListing(
  table: Table,
  vector: readonly number[],
  { usable, doubtful }: Pick<Read, 'usable' | 'doubtful'>,
  sampling: NeighbourSampling,
): Promise<WrongAnswer[]> {
  const listed = new Set<bigint>();
  let rows = 0;
  const search = searchOf(table, vector, sampling).nprobes(ALL_PROBES);
  // A row that is there twice must not push another one out.
  for await (const batch of search.limit(2 * (usable.size + doubtful.size))) {
    for (const id of idsOf(batch)) {
      if (doubtful.has(id)) continue;
      rows += 1;
      listed.add(id);
    }
  }
  const missed = [...usable].filter((id) => !listed.has(id));
  const isRight = rows === listed.size && listed.size + missed.length === usable.size;
  if (isRight && (await areReached(table, missed, sampling))) return [];
  return [{ condition: 'all vectors of the sampled fragments', indexed: rows, scanned: usable.size }];
}

/** Graphs have vectors that no path leads to: a search for one of them alone finds it, unless it is not there. */
async function areReached(table: Table, missed: readonly bigint[], sampling: NeighbourSampling): Promise<boolean> {
  const sampled = distinctNumbers(REACHED, missed.length, sampling.random).map((at) => missed[at] as bigint);
  const ids = new Set(sampled);
  const rows = table
    .query()
    .where(`_rowid IN (${sampled.join(', ')})`)
    .select({ value: sampling.sqlColumn })
    .withRowId();
  let found = 0;
  for await (const batch of sampled.length > 0 ? rows : []) {
    for (const [at, id] of idsOf(batch).entries()) {
      const vector: Vector | null = batch.getChild('value')?.get(at) ?? null;
      if (vector && ids.has(id) && (await isListedAlone(table, { id, vector: Array.from(vector, Number) }, sampling))) {
        found += 1;
      }
    }
  }
  return found === sampled.length;
}

async function isFound(table: Table, { id, vector }: Sample, sampling: NeighbourSampling): Promise<boolean> {
  if (sampling.metric !== 'dot') {
    const search = searchOf(table, vector, sampling).nprobes(SOME_PROBES).limit(NEIGHBOURS);
    const [nearest] = await distancesOf(sampling.isExact ? search : search.refineFactor(REFINE));
    if (nearest !== undefined && nearest <= toleranceOf(vector, sampling)) return true;
    // Nothing else can be as near as the vector itself.
    if (sampling.isExact) return false;
  }
  // Codes may take others for nearer, and the largest product is seldom that with itself: then the row alone is searched for.
  return isListedAlone(table, { id, vector }, sampling);
}

async function isListedAlone(table: Table, { id, vector }: Sample, sampling: NeighbourSampling): Promise<boolean> {
  const alone = searchOf(table, vector, sampling).where(`_rowid = ${id}`).nprobes(ALL_PROBES).limit(1);
  return (await distancesOf(alone)).length === 1;
}

async function distancesOf(search: VectorQuery): Promise<number[]> {
  const answer = await search.toArrow();
  return Array.from(answer.getChild('_distance') ?? [], Number);
}

/** How far a vector may be from itself, by rounding. */
function toleranceOf(vector: readonly number[], { metric }: NeighbourSampling): number {
  if (metric === 'hamming') return 0;
  const square = vector.reduce((sum, value) => sum + value * value, 0);
  return metric === 'cosine' ? 1e-3 : 1e-4 * square;
}
