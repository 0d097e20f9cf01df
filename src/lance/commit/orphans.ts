/**
 * Files that segmentd left in a table when it was killed: staged manifests, and segments that were uploaded and never committed. They are
 * taken away a day later, and only with proof: each version that is kept was read, and names none of them. A process that was held up for a
 * day finds its files gone before it commits, or takes its segments out again.
 */
import { parseManifestName } from '../../lib/manifest-name.ts';
import type { SurveyedObject } from '../../store/object-store.ts';
import type { Manifest } from '../codec/manifest.ts';
import { parseManifest } from '../codec/manifest.ts';
import { isOwnUuid } from '../codec/own-uuid.ts';
import { VERSIONS } from '../table/newest-version.ts';
import type { LanceTable } from '../table/table.ts';
import { deleteUploaded } from './upload.ts';

/** A commit takes seconds, and one that many writers hold up takes minutes. */
const AGE_MS = 24 * 3600 * 1000;

/** Most bytes of manifests that are read for a proof; a table that keeps more needs a cleanup first, which collects the rest too. */
const MOST_BYTES = 256 * 1024 * 1024;
const READ_AT_ONCE = 4;

/** As the local store names what it stages. */
const STAGED = /^\.tmp_[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?:\.\w+)?$/;

export type Orphans = {
  /** Names of staged files below `_versions/`. */
  readonly staged: readonly string[];
  /** Uuids of segments that no version names. */
  readonly segments: readonly string[];
  readonly bytes: number;
  /** Segments of segmentd that the latest version does not name, left alone because there is no proof that no other does. */
  readonly unproven: number;
};

type Limits = { readonly ageMs: number; readonly bytes: number };

/** Errors: those of `latest`; table_unreadable for a version that cannot be read, of which nothing is known. */
export async function findOrphans(
  table: LanceTable,
  nowMs: number,
  { ageMs, bytes: mostBytes }: Limits = { ageMs: AGE_MS, bytes: MOST_BYTES },
): Promise<Orphans> {
  const { store } = table;
  // The segments first: what is committed after that names none that is older than a day.
  const indexes = await store.survey('_indices');
  const versions = await store.survey(VERSIONS);
  const isOld = ({ modifiedMs }: SurveyedObject) => nowMs - modifiedMs > ageMs;
  const staged = versions.filter((file) => STAGED.test(file.name) && isOld(file));
  const latest = await table.latest({ listed: true });
  const candidates = oldSegments(indexes, isOld);
  for (const { uuid } of latest.indexes) candidates.delete(uuid);
  const manifests = versions.filter(({ name }) => name.endsWith('.manifest'));
  const isProvable = candidates.size === 0 || (await canProve(table, manifests, mostBytes));
  if (isProvable && candidates.size > 0) await leaveNamed(table, manifests, candidates);
  const segments = isProvable ? [...candidates.keys()] : [];
  const files = [...staged, ...segments.flatMap((uuid) => candidates.get(uuid) ?? [])];
  return {
    staged: staged.map(({ name }) => name),
    segments,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    unproven: candidates.size - segments.length,
  };
}

/** Segments that segmentd built, all of whose files are old, with these. */
function oldSegments(
  files: readonly SurveyedObject[],
  isOld: (file: SurveyedObject) => boolean,
): Map<string, SurveyedObject[]> {
  const segments = new Map<string, SurveyedObject[]>();
  for (const file of files) {
    const uuid = file.name.split('/', 1)[0] as string;
    if (isOwnUuid(uuid)) segments.set(uuid, [...(segments.get(uuid) ?? []), file]);
  }
  for (const [uuid, own] of segments) if (!own.every(isOld)) segments.delete(uuid);
  return segments;
}

/** Not where versions are too large to read them all, are detached, or lie in branches. */
async function canProve(
  { store }: LanceTable,
  manifests: readonly SurveyedObject[],
  mostBytes: number,
): Promise<boolean> {
  const bytes = manifests.reduce((sum, it) => sum + it.bytes, 0);
  if (bytes > mostBytes || manifests.some(({ name }) => parseManifestName(name) === null)) return false;
  return ((await store.folders('tree')) ?? []).length === 0;
}

/** Takes out of `candidates` what any version names. */
async function leaveNamed(
  { store }: LanceTable,
  manifests: readonly SurveyedObject[],
  candidates: Map<string, unknown>,
): Promise<void> {
  // Oldest first, for most tables: what a manifest has in common with the one before is not parsed again.
  const names = manifests.map(({ name }) => name).sort((a, b) => b.localeCompare(a));
  let previous: Manifest | undefined;
  for (let from = 0; from < names.length && candidates.size > 0; from += READ_AT_ONCE) {
    const reads = names.slice(from, from + READ_AT_ONCE).map((name) => store.read(`${VERSIONS}/${name}`));
    for (const read of await Promise.all(reads)) {
      // A cleanup was faster.
      if (!read) continue;
      previous = parseManifest(read.content, previous);
      for (const { uuid } of previous.indexes) candidates.delete(uuid);
    }
  }
}

/** Deletes them. Errors: store_*. */
export async function removeOrphans({ store }: LanceTable, { staged, segments }: Orphans): Promise<void> {
  await Promise.all(staged.map((name) => store.remove(`${VERSIONS}/${name}`)));
  await deleteUploaded(
    store,
    segments.map((uuid) => ({ uuid })),
  );
}
