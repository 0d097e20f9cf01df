/** Compares what an index answers with what is so without it, in the way of its kind. */
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { sqlPathOfField } from '../codec/schema-field.ts';
import type { SampleReport } from '../engine/sample-answers.ts';
import { compareAnswers } from '../engine/sample-answers.ts';
import { kindOf } from '../plan/index-kind.ts';
import type { TablePlace } from '../segment.ts';
import { askedPlace } from './asked-place.ts';

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
    case 'text':
    case 'neighbours':
      return NOTHING;
  }
}
