/** Whether an index can be extended as it stands: its column, and the segments that it has. Pure. */

import { SegmentdError } from '../../lib/errors.ts';
import type { IndexParameters } from '../../lib/index-kinds.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import type { SchemaField } from '../codec/schema-field.ts';
import { ancestorsOf, fieldsToRead } from '../codec/schema-field.ts';
import { kindOf, sameParameters } from './index-kind.ts';
import { BTREE } from './kinds/btree.ts';
import type { IndexKind } from './kinds/kind.ts';
import { isParsed } from './kinds/kind.ts';
import type { Unsupported } from './supported.ts';

const unsupported = (message: string) => new SegmentdError('column_type_unsupported', message);

/**
 * Also of an index that is there: other engines build some that LanceDB does not, and segmentd cannot extend those. Errors:
 * column_type_unsupported.
 */
export function checkColumn(
  kind: IndexKind,
  schema: readonly SchemaField[],
  field: SchemaField,
  column: string,
  parameters: IndexParameters = {},
): void {
  if (!isParsed(field.logicalType)) {
    throw unsupported(`column ${column} has type ${field.logicalType}, whose time zone the engine cannot parse`);
  }
  const holder = ancestorsOf(schema, field).find(({ logicalType }) => logicalType !== 'struct');
  if (holder) {
    throw unsupported(
      `column ${column} lies in a ${holder.logicalType}; LanceDB builds a ${kind.label} at the top or inside structs`,
    );
  }
  const problem = kind.problemOf(field, schema, parameters);
  if (problem) throw unsupported(`column ${column} ${problem}`);
  const needed = new Set(fieldsToRead(schema, field.id));
  const beside = schema.find(({ id, logicalType }) => needed.has(id) && !isParsed(logicalType));
  if (beside) {
    throw unsupported(
      `column ${column} is packed with ${beside.name} of type ${beside.logicalType}, which the engine cannot parse`,
    );
  }
  // Measured with LanceDB 0.39: such a column makes its builder fail on a duplicate field.
  if (field.name.includes('`')) throw unsupported(`LanceDB cannot index ${column}: its name has a backquote`);
}

/**
 * Readers fail on the whole table when segments of one name differ in column or type, and on a missing bitmap; and on the index when its
 * segments were built with different parameters. Errors: index_name_taken, table_index_unreadable, index_parameters_mixed, those of the
 * kind, and of kinds other than BTREE those of versionsReason.
 */
export function checkSegments(
  kind: IndexKind,
  name: string,
  fieldId: number,
  segments: readonly IndexMetadata[],
): IndexParameters | null {
  let parameters: IndexParameters | null = null;
  for (const segment of segments) {
    if (kindOf(segment) !== kind || segment.fields[0] !== fieldId) {
      throw new SegmentdError('index_name_taken', `index "${name}" exists with another type or column`);
    }
    if (!segment.fragments) {
      throw new SegmentdError('table_index_unreadable', `segment ${segment.uuid} of "${name}" has no fragment bitmap`);
    }
    if (segment.typeUrl !== segments[0]?.typeUrl) {
      throw new SegmentdError('table_index_unreadable', `segments of "${name}" differ in their type url`);
    }
    const own = parametersOf(kind, segment);
    parameters ??= own;
    if (!sameParameters(parameters, own)) {
      const differ = Object.keys({ ...parameters, ...own }).filter(
        (key) => JSON.stringify(parameters?.[key]) !== JSON.stringify(own[key]),
      );
      throw new SegmentdError('index_parameters_mixed', `segments of "${name}" differ in ${differ.join(', ')}`);
    }
  }
  const reason = kind === BTREE ? null : versionsReason(name, segments, kind);
  if (reason) throw new SegmentdError(reason.code, reason.message);
  return parameters;
}

/** Why segments cannot have these versions, or null: of a newer writer, or such as cannot share a name. */
export function versionsReason(
  name: string,
  segments: readonly Pick<IndexMetadata, 'indexVersion'>[],
  { versions: known, mixesVersions }: Pick<IndexKind, 'versions' | 'mixesVersions'>,
): Unsupported | null {
  const versions = [...new Set(segments.map(({ indexVersion }) => indexVersion))].sort((a, b) => a - b);
  const newer = versions.filter((version) => !known.includes(version));
  if (newer.length > 0) {
    return {
      code: 'table_newer_index',
      message: `index "${name}" has segments of index version ${newer.join(', ')}; segmentd writes ${known.join(' and ')}`,
    };
  }
  if (versions.length < 2 || mixesVersions) return null;
  return {
    code: 'table_mixed_index_versions',
    message: `index "${name}" has segments of index versions ${versions.join(' and ')}`,
  };
}

/** Where the details of an entry are no message, it is this index that cannot be read, and not its table. */
function parametersOf(kind: IndexKind, segment: IndexMetadata): IndexParameters {
  try {
    return kind.parametersOf(segment);
  } catch (error) {
    if (!(error instanceof SegmentdError)) throw error;
    // A kind sees an entry without its name.
    if (error.code !== 'table_unreadable') {
      throw new SegmentdError(error.code, `index "${segment.name}": ${error.message}`, { cause: error });
    }
    throw new SegmentdError('index_parameters_unknown', `the details of index "${segment.name}" cannot be read`, {
      cause: error,
    });
  }
}
