/**
 * A fragment view: a scratch dataset whose only manifest names a few fragments of a table and points at the table for their
 * files. LanceDB opened on it sees exactly those fragments, with their own ids, so an index it builds there holds the table's
 * row addresses. The view lives in a folder of its own and goes with it. Its manifests may lie in memory, where a file costs
 * nothing; the segments that are built in it always lie on disk, behind a link.
 */
import { randomUUID } from 'node:crypto';
import { rmdirSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SegmentdError } from '../../lib/errors.ts';
import { makeFolder } from '../../lib/make-folder.ts';
import { versionFileName } from '../../lib/manifest-name.ts';
import { decodeDataFragment, rebaseFragment } from '../codec/data-fragment.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { entryInView } from '../codec/index-metadata.ts';
import type { Manifest } from '../codec/manifest.ts';
import { fieldsToRead } from '../codec/schema-field.ts';
import { encodeViewManifest } from '../codec/view-manifest.ts';
import { BTREE } from '../plan/kinds/btree.ts';

export type FragmentView = {
  /** The LanceDB database that the view is a table of: a folder. */
  readonly database: string;
  /** Name of that table. */
  readonly name: string;
  /** Folder of that table. */
  readonly folder: string;
  /** Folder on disk of the segments that are built in it, one below it for each. */
  readonly segments: string;
  /** Removes it with everything in it. */
  remove(): void;
};

export type ViewRequest = {
  readonly manifest: Manifest;
  readonly tableUri: string;
  /** Ids of the fragments to be seen. */
  readonly fragments: Iterable<number>;
  /** Ids of the columns to be seen. */
  readonly fieldIds: readonly number[];
  /** Whether rows keep their stable row ids; without them a row goes by its address. */
  readonly keepsRowIds: boolean;
  /** Segments to be seen; they have to record what the view calls a row id. */
  readonly segments?: readonly IndexMetadata[];
};

/**
 * Makes a view of the table at `tableUri` as of `manifest`, in a fresh folder below `scratchDir`, or with its manifests below `memoryDir`, if
 * they find room there.
 * Errors: build_stale when the manifest lacks a fragment, table_needs_migration when a fragment cannot be seen from outside.
 */
export function openFragmentView(request: ViewRequest, scratchDir: string, memoryDir?: string | null): FragmentView {
  const { manifest, tableUri, keepsRowIds, segments } = request;
  const baseId = unusedBaseId(manifest);
  const file = encodeViewManifest(manifest, {
    fragments: Array.from(request.fragments, (id) => viewOfFragment(manifest, id, baseId, keepsRowIds)),
    fields: new Set(request.fieldIds.flatMap((id) => fieldsToRead(manifest.schema, id))),
    keepsRowIds,
    ...(segments && { entries: segments.map((segment) => entryInView(segment, baseId, versionInView(segment))) }),
    base: { id: baseId, path: tableUri },
    timestampMs: Date.now(),
  });
  const name = randomUUID();
  const bytes = Buffer.concat(file);
  const inMemory = memoryDir && hasRoomFor(memoryDir, bytes.length) ? inFolders(name, memoryDir, scratchDir) : null;
  return (inMemory && madeOrNull(inMemory, bytes)) ?? made(inFolders(name, scratchDir, scratchDir), bytes);
}

/** Where memory is short, a view of many fragments is not what it is for. LanceDB writes the manifest again, with each index. */
const MOST_IN_MEMORY = 1024 * 1024;
const LEAST_FREE_BYTES = 16 * 1024 * 1024;

function hasRoomFor(memoryDir: string, bytes: number): boolean {
  if (bytes > MOST_IN_MEMORY) return false;
  try {
    const { bavail, bsize } = statfsSync(memoryDir);
    return bavail * bsize >= LEAST_FREE_BYTES;
  } catch {
    return false;
  }
}

function inFolders(name: string, database: string, scratchDir: string): FragmentView {
  const folder = join(database, `${name}.lance`);
  const isApart = database !== scratchDir;
  const segments = isApart ? join(scratchDir, name) : join(folder, INDICES);
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    if (isApart) removeSegments(segments);
  };
  return { database, name, folder, segments, remove };
}

/** Nearly always nothing is left in it: its segments were moved into the table. */
function removeSegments(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    rmSync(folder, { recursive: true, force: true });
  }
}

function madeOrNull(view: FragmentView, manifest: Uint8Array): FragmentView | null {
  try {
    return made(view, manifest);
  } catch {
    // On disk it may still be made, and if not, that error says why.
    view.remove();
    return null;
  }
}

function made(view: FragmentView, manifest: Uint8Array): FragmentView {
  const { database, folder, segments } = view;
  try {
    // Synchronous: a few kilobytes on local disk, done sooner than a thread of the pool could be asked to.
    makeFolder(join(folder, VERSIONS));
    const inView = join(folder, INDICES);
    if (segments !== inView) {
      makeFolder(segments);
      symlinkSync(segments, inView);
    }
    writeFileSync(viewManifestFile(view, 0), manifest);
  } catch (error) {
    throw new SegmentdError('build_failed', `cannot make a fragment view in ${database}`, { cause: error });
  }
  return view;
}

/** A BTREE records what the view calls a row id, whatever it is called in the table. */
const versionInView = (segment: IndexMetadata) => (BTREE.matches(segment) ? 0 : segment.indexVersion);

/** The manifest of a view after `commits` commits to it. */
export function viewManifestFile(view: FragmentView, commits: number): string {
  return join(view.folder, VERSIONS, versionFileName('V2', VIEW_VERSION + commits));
}

const VIEW_VERSION = 1;
const VERSIONS = '_versions';
const INDICES = '_indices';

function viewOfFragment(manifest: Manifest, id: number, baseId: number, keepsRowIds: boolean): Uint8Array {
  const position = manifest.fragments.indexOf(id);
  if (position < 0) throw new SegmentdError('build_stale', `version ${manifest.version} has no fragment ${id}`);
  const message = manifest.fragments.bytesOf(position);
  if (keepsRowIds && decodeDataFragment(message).hasExternalRowIds) {
    throw new SegmentdError('table_needs_migration', `fragment ${id} keeps its row ids in a file of its own`);
  }
  return rebaseFragment(message, baseId, keepsRowIds);
}

/** Ids are arbitrary; 0 is left out because Lance takes it for "assign one". */
function unusedBaseId({ basePaths }: Manifest): number {
  let id = 1;
  while (basePaths.some((base) => base.id === id)) id += 1;
  return id;
}
