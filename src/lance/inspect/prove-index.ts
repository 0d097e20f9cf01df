/** Compares what an index answers with what is so without it, in the way of its kind. */
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { pathOfField, sqlPathOfField } from '../codec/schema-field.ts';
import type { SampleReport } from '../engine/sample-answers.ts';
import { compareAnswers } from '../engine/sample-answers.ts';
import { compareNeighbours } from '../engine/sample-neighbours.ts';
import { kindOf } from '../plan/index-kind.ts';
import { vectorSearchOf } from '../plan/kinds/vector.ts';
import type { TablePlace } from '../segment.ts';
import { askedPlace } from './asked-place.ts';
import { boundsOf, chooseFragments } from './choose-fragments.ts';

const NOTHING: SampleReport = { asked: 0, leftOut: 0, wrong: [] };

/** For `samples` random rows. Errors are LanceDB's own: an index that cannot be read makes the query fail. */
export async function proveIndex(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  samples: number,
): Promise<SampleReport> {
  const [first] = segments;
  const kind = first && kindOf(first);
  const column = first && sqlPathOfField(manifest.schema, first.fields[0] as number);
  if (!kind || !column) return NOTHING;
  const { proof } = kind;
  switch (proof.by) {
    case 'conditions':
      return askedPlace(manifest, place, segments, (at) => compareAnswers(at, { column, samples, of: proof.of }));
    case 'neighbours':
      return proveNeighbours(manifest, place, segments, samples);
    case 'text':
      return NOTHING;
  }
}

/** By searches in a view of some of the fragments: a search of a whole table may read gigabytes. */
async function proveNeighbours(
  manifest: Manifest,
  place: TablePlace,
  segments: readonly IndexMetadata[],
  samples: number,
): Promise<SampleReport> {
  const fieldId = segments[0]?.fields[0] as number;
  const search = segments[0] && vectorSearchOf(segments[0]);
  const column = pathOfField(manifest.schema, fieldId);
  const sqlColumn = sqlPathOfField(manifest.schema, fieldId);
  const type = manifest.schema.find(({ id }) => id === fieldId)?.logicalType;
  const dimensions = Number(type?.split(':').at(-1)) || 1;
  const { fragments, isListed } = chooseFragments(manifest, segments, boundsOf(dimensions));
  if (!search || !column || !sqlColumn || fragments.length === 0) return NOTHING;
  const sampling = { ...search, column, sqlColumn, samples, isListed };
  return askedPlace(manifest, place, segments, (at) => compareNeighbours(at, sampling), fragments);
}
