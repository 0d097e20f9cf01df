/** Compares what an index answers with what is so without it, in the way of its kind. */
import { tmpdir } from 'node:os';
import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters } from '../../lib/index-kinds.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { pathOfField, sqlPathOfField } from '../codec/schema-field.ts';
import type { SampleReport } from '../engine/sample-answers.ts';
import { compareAnswers } from '../engine/sample-answers.ts';
import { compareNeighbours } from '../engine/sample-neighbours.ts';
import { compareSearches } from '../engine/sample-texts.ts';
import { kindOf } from '../plan/index-kind.ts';
import type { IndexKind } from '../plan/kinds/kind.ts';
import { vectorSearchOf } from '../plan/kinds/vector.ts';
import { unreadableFragments } from '../plan/newer-files.ts';
import type { TablePlace } from '../segment.ts';
import { askedPlace } from './asked-place.ts';
import type { Bounds } from './choose-fragments.ts';
import { boundsOf, chooseFragments } from './choose-fragments.ts';

const NOTHING: SampleReport = { asked: 0, leftOut: 0, wrong: [] };

/** How an index is proven. */
export type Proving = {
  /** Rows whose values are asked for. */
  readonly samples: number;
  /** Chooses them; default: chance. */
  readonly random?: () => number;
  /**
   * The only fragments to look at, in a view of this very version, which nothing that is written meanwhile touches. Default: all that the
   * engine can read; of vectors some, which a search of all of them would be too much for.
   */
  readonly among?: readonly number[];
  /** Where views lie; default: the temporary folder of the system. */
  readonly scratchDir?: string;
};

type Proof = Required<Omit<Proving, 'among'>> & Pick<Proving, 'among'>;

/** For random rows. Errors are LanceDB's own: an index that cannot be read makes the query fail. */
export async function proveIndex(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  proving: Proving,
): Promise<SampleReport> {
  const [first] = segments;
  const kind = first && kindOf(first);
  const column = first && sqlPathOfField(manifest.schema, first.fields[0] as number);
  if (!kind || !column) return NOTHING;
  const proof = { random: Math.random, scratchDir: tmpdir(), ...proving };
  const { samples, random } = proof;
  switch (kind.proof.by) {
    case 'conditions': {
      const asked = { column, samples, random, of: kind.proof.of };
      return askedPlace(manifest, place, segments, (at) => compareAnswers(at, asked), proof);
    }
    case 'text':
      return proveTexts(manifest, place, segments, kind, proof);
    case 'neighbours':
      return proveNeighbours(manifest, place, segments, proof);
  }
}

/** Of an index whose parameters cannot be told, no search is certain. */
async function proveTexts(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  kind: IndexKind,
  { among, ...proof }: Proof,
): Promise<SampleReport> {
  const parameters = buildableParameters(kind, segments);
  if (!parameters) return NOTHING;
  const { ids } = manifest.fragments;
  const unreadable = unreadableFragments(manifest, ids);
  const claimed = new Set(segments.flatMap(({ fragments }) => Array.from(fragments ?? [])));
  const fragments = (among ?? Array.from(ids)).filter((id) => claimed.has(id) && !unreadable.has(id));
  const { options } = kind.engineCall(parameters, 0);
  return compareSearches(place, { manifest, segments, fragments, options, ...proof });
}

/** What the segments were built with; null where one of them does not say. */
function buildableParameters(kind: IndexKind, segments: readonly IndexMetadata[]): IndexParameters | null {
  try {
    return segments.map((segment) => kind.parametersOf(segment))[0] ?? null;
  } catch (error) {
    if (error instanceof SegmentdError) return null;
    throw error;
  }
}

/** How many vectors of a field are looked at, by their size. */
export function vectorBounds({ schema }: Manifest, fieldId: number): Bounds {
  const type = schema.find(({ id }) => id === fieldId)?.logicalType;
  return boundsOf(Number(type?.split(':').at(-1)) || 1);
}

/** By searches in a view of some of the fragments: a search of a whole table may read gigabytes. */
async function proveNeighbours(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  { samples, random, scratchDir }: Proof,
): Promise<SampleReport> {
  const fieldId = segments[0]?.fields[0] as number;
  const search = segments[0] && vectorSearchOf(segments[0]);
  const column = pathOfField(manifest.schema, fieldId);
  const sqlColumn = sqlPathOfField(manifest.schema, fieldId);
  const bounds = vectorBounds(manifest, fieldId);
  const { fragments, isListed } = chooseFragments(manifest, segments, bounds, random);
  if (!search || !column || !sqlColumn || fragments.length === 0) return NOTHING;
  const sampling = { ...search, column, sqlColumn, samples, random, isListed };
  return askedPlace(manifest, place, segments, (at) => compareNeighbours(at, sampling), {
    scratchDir,
    among: fragments,
  });
}
