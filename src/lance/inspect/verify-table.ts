/** Proves what the manifest says about its index segments: files, bitmaps, metadata and, by sampling, answers. */
import { asyncLimit } from '../../lib/async-limit.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { hasDetails } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { pathOfField } from '../codec/schema-field.ts';
import { findMissingFiles } from '../commit/upload.ts';
import { isMaintained, kindOf } from '../plan/index-kind.ts';
import type { LanceTable } from '../table/table.ts';
import { proveIndex } from './prove-index.ts';

export const FINDINGS = {
  file_missing: 'a file is not there, or not with its recorded size: queries on the column fail',
  file_unseen: 'its files lie in a store that segmentd does not read, so nothing is proven of them',
  details_missing: 'the entry has no details: LanceDB does not list the index, and has to be spared a second segment',
  bitmap_missing: 'the fragment bitmap is missing: Lance lists no index of the table',
  bitmap_overlap: 'two segments of one index claim the same live fragment',
  bitmap_unknown_fragment: 'the bitmap names fragments that the table never had',
  field_unknown: 'the indexed field is not in the schema',
  name_mixed: 'segments of one name differ in column or type: Lance lists no index of the table',
  version_mixed: 'segments of one name differ in index version: Lance refuses the index',
  version_ahead: 'the segment claims to be built from a version that does not exist yet',
  time_implausible: 'created_at is not a time in milliseconds that has passed: readers may refuse the table',
  uuid_reused: 'two entries have the same uuid',
  answer_wrong: 'the indexed answer differs from a scan',
  query_failed: 'a query on the column fails',
} as const;
export type FindingCode = keyof typeof FINDINGS;

export type Finding = {
  readonly code: FindingCode;
  readonly index: string;
  /** Uuid, where it is about one segment. */
  readonly segment: string | null;
  readonly message: string;
};

export type Verification = {
  readonly uri: string;
  readonly version: number;
  readonly segments: number;
  readonly files: number;
  /** Conditions compared with a scan. */
  readonly answers: number;
  /** Conditions that were not, because they hold for too many rows. */
  readonly answers_left_out: number;
  readonly findings: readonly Finding[];
};

/** Errors: table_not_found, table_unreadable, table_index_unreadable, store_*. */
export async function verifyTable(table: LanceTable, samples: number): Promise<Verification> {
  const manifest = await table.latest();
  const segments = manifest.indexes.filter(isMaintained);
  const findings = [...checkManifest(manifest), ...(await checkFiles(table, manifest, segments))];
  let [answers, leftOut] = [0, 0];
  for (const name of samples > 0 ? new Set(segments.map((segment) => segment.name)) : []) {
    try {
      const own = segments.filter((segment) => segment.name === name);
      const { asked, wrong, leftOut: tooLarge } = await proveIndex(manifest, table.place(), own, { samples });
      answers += asked;
      leftOut += tooLarge;
      for (const { condition, indexed, scanned } of wrong) {
        const message = `${condition}: ${indexed} rows by the index, ${scanned} by a scan`;
        findings.push({ code: 'answer_wrong', index: name, segment: null, message });
      }
    } catch (error) {
      if (error instanceof SegmentdError) throw error;
      findings.push({ code: 'query_failed', index: name, segment: null, message: messageOf(error) });
    }
  }
  const files = segments.reduce((sum, segment) => sum + segment.files.length, 0);
  const { uri } = table;
  const { version } = manifest;
  return { uri, version, segments: segments.length, files, answers, answers_left_out: leftOut, findings };
}

/** Whose files are looked for at once: each look may be a request. */
const SEGMENTS_AT_ONCE = 16;

async function checkFiles(
  { store }: LanceTable,
  { basePaths }: Manifest,
  segments: readonly IndexMetadata[],
): Promise<Finding[]> {
  const limit = asyncLimit(SEGMENTS_AT_ONCE);
  const check = async (segment: IndexMetadata) => {
    const base = basePaths.find(({ id }) => id === segment.baseId);
    if (base && !store.readableAt(base.path)) return [finding('file_unseen', segment, base.path)];
    const missing = await findMissingFiles(store, [segment], basePaths);
    return missing.map((key) => finding('file_missing', segment, key));
  };
  const checks = segments.map((segment) => limit.run(() => check(segment)));
  return (await Promise.all(checks)).flat();
}

/** A day of slack for clocks that differ; Lance had no indexes before 2022. */
const CLOCK_SLACK_MS = 24 * 3600 * 1000;
const EARLIEST_MS = Date.UTC(2022, 0);

/** Everything that the manifest alone can tell. */
export function checkManifest(manifest: Manifest, nowMs = Date.now()): Finding[] {
  const findings: Finding[] = [];
  const uuids = new Set<string>();
  const first = new Map<string, IndexMetadata>();
  const owners = new Map<string, Map<number, string>>();
  for (const segment of manifest.indexes) {
    const say = (code: FindingCode, detail: string) => findings.push(finding(code, segment, detail));
    if (uuids.has(segment.uuid)) say('uuid_reused', segment.uuid);
    uuids.add(segment.uuid);
    const sibling = first.get(segment.name);
    if (!sibling) first.set(segment.name, segment);
    else if (sibling.typeUrl !== segment.typeUrl || sibling.fields.join() !== segment.fields.join()) {
      say('name_mixed', `differs from ${sibling.uuid}`);
    }
    const mayMix = kindOf(segment)?.mixesVersions;
    if (sibling && sibling.indexVersion !== segment.indexVersion && !mayMix)
      say('version_mixed', `differs from ${sibling.uuid}`);
    if (!isMaintained(segment)) continue;
    if (!hasDetails(segment)) say('details_missing', 'its kind is inferred from its files');
    if (!pathOfField(manifest.schema, segment.fields[0] as number)) say('field_unknown', `field ${segment.fields[0]}`);
    if (segment.datasetVersion > manifest.version) say('version_ahead', `version ${segment.datasetVersion}`);
    const { createdAtMs } = segment;
    if (createdAtMs !== null && (createdAtMs < EARLIEST_MS || createdAtMs > nowMs + CLOCK_SLACK_MS)) {
      say('time_implausible', String(createdAtMs));
    }
    findings.push(...checkBitmap(manifest, segment, owners));
  }
  return findings;
}

function checkBitmap(manifest: Manifest, segment: IndexMetadata, owners: Map<string, Map<number, string>>): Finding[] {
  if (!segment.fragments) return [finding('bitmap_missing', segment, 'no fragment bitmap')];
  const owned = owners.get(segment.name) ?? new Map<number, string>();
  owners.set(segment.name, owned);
  const overlaps: number[] = [];
  for (const id of segment.fragments) {
    if (manifest.fragments.indexOf(id) < 0) continue;
    if (owned.has(id)) overlaps.push(id);
    owned.set(id, segment.uuid);
  }
  const findings: Finding[] = [];
  if (overlaps.length > 0)
    findings.push(finding('bitmap_overlap', segment, `fragments ${overlaps.slice(0, 10).join(', ')}`));
  const last = segment.fragments.at(-1) ?? 0;
  if (manifest.maxFragmentId !== null && last > manifest.maxFragmentId) {
    findings.push(
      finding('bitmap_unknown_fragment', segment, `fragment ${last}, the last one is ${manifest.maxFragmentId}`),
    );
  }
  return findings;
}

function finding(code: FindingCode, { name, uuid }: IndexMetadata, detail: string): Finding {
  return { code, index: name, segment: uuid, message: `${FINDINGS[code]}: ${detail}` };
}
