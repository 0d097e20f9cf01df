/**
 * A fragment view: a scratch dataset whose only manifest names a few fragments of a table and points at the table for their
 * files. LanceDB opened on it sees exactly those fragments, with their own ids, so an index it builds there holds the table's
 * row addresses. The view lives in a folder of its own and goes with it. Its manifests may lie in memory, where a file costs
 * nothing; the segments that are built in it always lie on disk, behind a link.
 */
import { randomUUID } from 'node:crypto';
import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
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
import type { MemoryViews } from './memory-views.ts';

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
 * Makes a view of the table at `tableUri` as of `manifest`, in a fresh folder below `scratchDir`, or in memory if it finds room there.
 * Errors: build_stale when the manifest lacks a fragment, table_needs_migration when a fragment cannot be seen from outside.
 */
export function openFragmentView(request: ViewRequest, scratchDir: string, memory?: MemoryViews | null): FragmentView {
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
  const bytes = Buffer.concat(file);
  return (memory?.hasRoomFor(bytes.length) && viewInMemory(bytes, memory)) || viewOnDisk(bytes, scratchDir);
}

/** Null when it cannot be made: on disk it may still be, and if not, that error says why. */
function viewInMemory(manifest: Uint8Array, memory: MemoryViews): FragmentView | null {
  const { database } = memory;
  const name = randomUUID();
  const folder = folderOf(database, name);
  let segments: string | undefined;
  const remove = () => {
    rmSync(folder, { recursive: true, force: true });
    if (segments !== undefined) memory.returnFolder(segments);
  };
  try {
    segments = memory.takeFolder();
    writeManifest(folder, manifest);
    symlinkSync(segments, join(folder, INDICES));
    return { database, name, folder, segments, remove };
  } catch {
    remove();
    return null;
  }
}

function viewOnDisk(manifest: Uint8Array, scratchDir: string): FragmentView {
  const name = randomUUID();
  const folder = folderOf(scratchDir, name);
  try {
    writeManifest(folder, manifest);
  } catch (error) {
    throw new SegmentdError('build_failed', `cannot make a fragment view in ${scratchDir}`, { cause: error });
  }
  const remove = () => rmSync(folder, { recursive: true, force: true });
  return { database: scratchDir, name, folder, segments: join(folder, INDICES), remove };
}

const folderOf = (database: string, name: string) => join(database, `${name}.lance`);

/** Synchronous: a few kilobytes, written sooner than a thread of the pool could be asked to. */
function writeManifest(folder: string, manifest: Uint8Array): void {
  makeFolder(folder);
  mkdirSync(join(folder, VERSIONS));
  writeFileSync(viewManifestFile({ folder }, 0), manifest);
}

/** A BTREE records what the view calls a row id, whatever it is called in the table. */
const versionInView = (segment: IndexMetadata) => (BTREE.matches(segment) ? 0 : segment.indexVersion);

/** The manifest of a view after `commits` commits to it. */
export function viewManifestFile({ folder }: Pick<FragmentView, 'folder'>, commits: number): string {
  return join(folder, VERSIONS, versionFileName('V2', VIEW_VERSION + commits));
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
