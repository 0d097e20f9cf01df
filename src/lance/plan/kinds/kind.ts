/**
 * What a kind of index is, as far as planning and committing need to know. Each kind is a file beside this one, and `index-kind.ts` is the
 * table of them. Nothing here knows LanceDB: a kind says as plain data how the engine is asked, and `lance/engine` asks.
 */

import { SegmentdError } from '../../../lib/errors.ts';
import type { IndexParameters, KindName } from '../../../lib/index-kinds.ts';
import type { FileParameters, IndexMetadata } from '../../codec/index-metadata.ts';
import type { SchemaField } from '../../codec/schema-field.ts';
import { Cursor } from '../../codec/wire.ts';

/** How LanceDB builds an index: the function of its `Index` to call, and the options to give it. */
export type EngineCall = { readonly method: string; readonly options: Readonly<Record<string, unknown>> };

/** The segments of an index, and the rows of its table. */
export type IndexSegments = {
  readonly entries: readonly IndexMetadata[];
  /** Live rows in the fragments of a segment. */
  rowsOf(entry: IndexMetadata): number;
  readonly allRows: number;
};

/**
 * Parameters that each segment has for itself, by its rows, so that segments of one index may differ in them: they can be asked for, and
 * are never compared.
 */
export type PerSegment = {
  readonly names: readonly string[];
  /** Of an index over all rows: what is asked for, else like the index that is there. */
  whole(asked: IndexParameters, segments: IndexSegments, field: SchemaField): IndexParameters;
  /** Of a segment of `rows` of all `allRows`. */
  share(whole: IndexParameters, rows: number, allRows: number): IndexParameters;
};

/** An entry of the index section, as far as its kind is concerned. */
export type KindOfEntry = Pick<IndexMetadata, 'typeUrl' | 'fields' | 'details' | 'fileParameters'>;

/**
 * How answers by the index are proven: `conditions`, filters that the index and a scan answer alike; `text` and `neighbours`, searches
 * that are compared with one that leaves the index out.
 */
export type Proof =
  | { readonly by: 'conditions'; readonly of: 'values' | 'labels' | 'substrings' }
  | { readonly by: 'text' }
  | { readonly by: 'neighbours' };

export type IndexKind = {
  /** As the configuration and the command line have it. */
  readonly name: KindName;
  /** As Lance and LanceDB print it. */
  readonly label: string;
  /** Type url of its details, for an entry whose details are inferred. */
  readonly typeUrl: string;
  /** Whether an entry of the index section is of this kind. */
  matches(entry: KindOfEntry): boolean;
  /** Whether these are the files of a segment of this kind, as far as names tell: Lance's rule for entries without details. */
  matchesFiles(names: readonly string[]): boolean;
  /** What an entry of the kind was built with. Errors: index_parameters_unknown, when the details say more than is known here. */
  parametersOf(entry: KindOfEntry): IndexParameters;
  /** A file of each segment with parameters that its details do not have. What it says is in `fileParameters` of the entry. */
  readonly parametersFile?: { readonly name: string; read(content: Uint8Array): FileParameters };
  /** Index versions that the engine writes and reads: a segment of another one is a newer writer's. */
  readonly versions: readonly number[];
  /** Whether segments of different index versions may share a name. */
  readonly mixesVersions: boolean;
  /** Why LanceDB does not build one with these parameters over the field, as the rest of a sentence, or null. */
  problemOf(field: SchemaField, schema: readonly SchemaField[], parameters: IndexParameters): string | null;
  /** How LanceDB builds a segment of `rows` rows with these parameters, those that it has for itself among them. */
  engineCall(parameters: IndexParameters, rows: number): EngineCall;
  /** Whether a table without `indexes` keeps indexes of the kind fresh. Of the others, those that are named are. */
  readonly byDefault: boolean;
  /**
   * Bytes that a build over `rows` rows takes, where it is not the sort of LanceDB's engine that takes them; null: that sort, see
   * `engine/sort-memory.ts`.
   */
  buildBytes(field: SchemaField, rows: number): number | null;
  /** Fewest rows that a segment can be built over. */
  readonly leastRows: number;
  /** Whether fewer rows than the configured floor are left to the search of unindexed rows for a while. */
  readonly waitsForRows: boolean;
  /** Whether an entry keeps readers of its column from asking an index of this kind beside it. None does unless this is given. */
  isAlone?(entry: KindOfEntry): boolean;
  /** Whether a build that failed with the engine's message had too few usable rows. It never has unless this is given. */
  lacksRows?(message: string): boolean;
  /**
   * Set where Lance takes rows from a segment that are in none of the fragments of its bitmap, and drops them too late or not at all: such a
   * segment stands whole or not at all.
   */
  readonly standsWhole?: true;
  readonly perSegment?: PerSegment;
  readonly proof: Proof;
};

/** The details of an entry name a message; writers prefix the Any's type url in their own ways, and packages have moved. */
export function namesMessage(typeUrl: string, message: string): boolean {
  return typeUrl === message || typeUrl.endsWith(`/${message}`) || typeUrl.endsWith(`.${message}`);
}

/**
 * The parameters of a kind whose details are an empty message in all versions of Lance so far. Errors: index_parameters_unknown, when a newer
 * one says something there.
 */
export function noParameters({ details }: Pick<KindOfEntry, 'details'>): IndexParameters {
  const value = detailsOf(details);
  if (value.next()) {
    throw new SegmentdError(
      'index_parameters_unknown',
      `its details have a field ${value.field} that is not known here`,
    );
  }
  return {};
}

/** The message in the details of an entry, as the entry has them: `6 details (Any { 1 type url · 2 value })`. */
export function detailsOf(details: Uint8Array): Cursor {
  const entry = new Cursor(details);
  let value = new Cursor(new Uint8Array(0));
  if (!entry.next()) return value;
  const any = entry.message();
  while (any.next()) {
    if (any.field === 2) value = any.message();
    else any.skip();
  }
  return value;
}

/** The first word of Lance's logical type: `timestamp` of `timestamp:us:-`. */
export const typeName = ({ logicalType }: Pick<SchemaField, 'logicalType'>): string =>
  logicalType.split(':', 1)[0] as string;

/**
 * Whether the engine can parse the type. Lance 12 splits it at its colons, and panics on a time zone that has one, such as `+05:30`
 * or `GMT-10:00`.
 */
export function isParsed(logicalType: string): boolean {
  return !logicalType.startsWith('timestamp') || logicalType.split(':').length <= 3;
}

/** `problemOf` of a kind that LanceDB builds over these types. */
export function overTypes(label: string, types: ReadonlySet<string>): IndexKind['problemOf'] {
  return (field) =>
    types.has(typeName(field)) && isParsed(field.logicalType)
      ? null
      : `has type ${field.logicalType}; LanceDB builds a ${label} over ${[...types].join(', ')}`;
}
