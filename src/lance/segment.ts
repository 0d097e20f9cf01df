/**
 * A segment on its way into a table: what to build, what was built, and who builds it. No engine, no store: the plan, the commit and
 * the pipeline share these words.
 */
import type { IndexDefinition, IndexParameters } from '../lib/index-kinds.ts';
import type { IndexFile } from './codec/index-metadata.ts';
import type { Manifest } from './codec/manifest.ts';

/** What the entry of a BTREE says its segment records of a row. */
export type IndexVersion = 0 | 1;

/** One segment to build: these fragments of this column, for this index. */
export type SegmentRequest = IndexDefinition & {
  readonly index: string;
  readonly fieldId: number;
  readonly column: string;
  readonly fragments: Uint32Array;
  /** Live rows in them. */
  readonly rows: number;
  /** Parameters that it has for itself, beside those of the index. */
  readonly own?: IndexParameters | undefined;
  /**
   * Of a BTREE: what the segment says it is, and so what it records. What the builder writes, unless given: 0, what the table calls a row
   * id, its address or the stable one. 1: the address, on a table with stable row ids.
   */
  readonly indexVersion?: number | undefined;
};

/** A segment on local disk that no table knows yet. */
export type BuiltSegment = SegmentRequest & {
  readonly uuid: string;
  /** The builder's IndexMetadata message. */
  readonly metadata: Uint8Array;
  readonly files: readonly IndexFile[];
  /** Local folder that holds `files`. */
  readonly folder: string;
  readonly buildMs: number;
};

/** Built segments and the local files they lie in: disposing removes every file that was not moved away. */
export type Build = AsyncDisposable & {
  /** The manifest that the build read: coverage is checked against it at commit. */
  readonly manifest: Manifest;
  readonly segments: readonly BuiltSegment[];
  /** Requests of which nothing was built, because the rows had too little to index. */
  readonly withheld?: readonly SegmentRequest[];
  /** Requests of indexes that could not be built, while others could: the next plan asks for them alone, and its build says why. */
  readonly failed?: readonly SegmentRequest[];
};

/** `fresh`: rows that no segment covers. `merge`: rows that others cover, which can wait. */
export type BuildPurpose = 'fresh' | 'merge';

/** Where a table lies, as LanceDB's engine opens it. */
export type TablePlace = {
  readonly uri: string;
  readonly storageOptions: Readonly<Record<string, string>>;
  /** Whether each read is a request that takes milliseconds: then indexes are built side by side. */
  readonly remote: boolean;
};

export interface SegmentBuilder {
  /**
   * `purpose` is `fresh` unless given. Errors: build_failed (LanceDB failed), build_stale (a file of the table is gone), and those of
   * openFragmentView.
   */
  build(
    manifest: Manifest,
    place: TablePlace,
    requests: readonly SegmentRequest[],
    purpose?: BuildPurpose,
  ): Promise<Build>;
}
