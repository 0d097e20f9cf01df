/** Which tables segmentd must not write, as a pure function of the manifest. Every rule is one of lance-format 2, 4.6 to 4.8. */
import type { ErrorCode } from '../../lib/errors.ts';
import type { Manifest } from '../codec/manifest.ts';

export type Unsupported = { readonly code: ErrorCode; readonly message: string };

/** Feature flags as lance 12 knows them. */
export const FLAG = {
  deletionFiles: 1n,
  stableRowIds: 2n,
  v2Deprecated: 4n,
  tableConfig: 8n,
  basePaths: 16n,
  disableTransactionFile: 32n,
  dataOverlays: 64n,
  coveringIndexes: 128n,
  mixedDataFileVersions: 256n,
} as const;

const KNOWN_FLAGS = Object.values(FLAG).reduce((all, flag) => all | flag, 0n);

const FRAGMENT_REUSE_INDEX = '__lance_frag_reuse';
const MEM_WAL_INDEX = '__lance_mem_wal';

/** Lance before this recalculates bitmaps and row counts on commit, so what its manifests say cannot be trusted. */
const OLDEST_TRUSTED_LANCE = [0, 8, 15] as const;

const reason = (code: ErrorCode, message: string): Unsupported => ({ code, message });

/** The Lance in the engine: tables that a newer one wrote may hold what it cannot read. A test compares it with what the engine writes. */
export const ENGINE = { library: 'lance', version: '12.0.0' } as const;

/** Of tables whose versions a catalog manages: no manifest says so. */
export const MANAGED_VERSIONING: Unsupported = reason(
  'table_managed_versioning',
  'the catalog that lists the table manages its versions',
);

/** Why the table at this manifest is not written, whatever its indexes record (see row-ids.ts), or null. */
export function unsupportedReason(manifest: Manifest): Unsupported | null {
  return unsupportedFlags(manifest) ?? unsupportedIndexes(manifest) ?? unsupportedAge(manifest);
}

/** The flags of a word one by one, as Lance's documentation names them. */
function listFlags(word: bigint): string {
  const flags: bigint[] = [];
  for (let flag = 1n; flag <= word; flag *= 2n) if ((word & flag) !== 0n) flags.push(flag);
  return flags.join(', ');
}

function unsupportedFlags({ readerFlags, writerFlags, fragments }: Manifest): Unsupported | null {
  const has = (flag: bigint) => ((readerFlags | writerFlags) & flag) !== 0n;
  const unknownReader = readerFlags & ~KNOWN_FLAGS;
  const unknownWriter = writerFlags & ~KNOWN_FLAGS;
  if (unknownReader)
    return reason('table_unknown_reader_flag', `unknown reader feature flags ${listFlags(unknownReader)}`);
  if (unknownWriter)
    return reason('table_unknown_writer_flag', `unknown writer feature flags ${listFlags(unknownWriter)}`);
  if ((readerFlags & FLAG.mixedDataFileVersions) !== (writerFlags & FLAG.mixedDataFileVersions)) {
    return reason('table_mixed_versions_flag', 'the flag for mixed data file versions is set on one side only');
  }
  if (has(FLAG.dataOverlays) || fragments.hasOverlays)
    return reason('table_data_overlays', 'the table has data overlays');
  if (has(FLAG.coveringIndexes)) return reason('table_covering_index', 'the table has a covering index');
  return null;
}

function unsupportedIndexes({ indexes }: Manifest): Unsupported | null {
  for (const index of indexes) {
    if (index.name === FRAGMENT_REUSE_INDEX) {
      return reason(
        'table_fragment_reuse_index',
        'the table has a fragment reuse index: its bitmaps are remapped on read',
      );
    }
    if (index.name === MEM_WAL_INDEX) return reason('table_mem_wal_index', 'the table has a MemWAL index');
    if (index.hasCoveringFields) return reason('table_covering_index', `index "${index.name}" is a covering index`);
  }
  return null;
}

function unsupportedAge({ dataFormat, writer, fragments }: Manifest): Unsupported | null {
  if (dataFormat === null || dataFormat === 'legacy' || dataFormat.startsWith('0.')) {
    return reason('table_legacy_data_files', `the data files have format ${dataFormat ?? 'legacy'}`);
  }
  if (!writer) return reason('table_needs_migration', 'the manifest does not say which Lance wrote it');
  if (writer.library === 'lance' && isOlder(writer.version, OLDEST_TRUSTED_LANCE)) {
    return reason('table_needs_migration', `the table was last written by lance ${writer.version}`);
  }
  if (fragments.migration) return reason('table_needs_migration', fragments.migration);
  return null;
}

function isOlder(version: string, limit: readonly number[]): boolean {
  const parts = version.split(/[.+-]/, 3).map(Number);
  for (const [at, wanted] of limit.entries()) {
    const part = parts[at] ?? 0;
    // A version that is not made of numbers says nothing about its age: treat it as old, since declining is safe.
    if (Number.isNaN(part)) return true;
    if (part !== wanted) return part < wanted;
  }
  return false;
}

export function hasStableRowIds({ readerFlags, writerFlags }: Manifest): boolean {
  return ((readerFlags | writerFlags) & FLAG.stableRowIds) !== 0n;
}
