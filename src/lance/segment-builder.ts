/**
 * Builds BTREE segments over chosen fragments. The only use of LanceDB's engine for writing: the day the library offers
 * uncommitted segments itself, this file changes and nothing else.
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { connect, Index } from '@lancedb/lancedb';
import { messageOf, SegmentdError } from '../lib/errors.ts';
import { Releases } from '../lib/releases.ts';
import { localStore } from '../store/local-store.ts';
import type { IndexFile } from './codec/index-metadata.ts';
import type { Manifest } from './codec/manifest.ts';
import { openFragmentView, VIEW_TABLE } from './fragment-view.ts';
import { LanceTable } from './table.ts';

/** One segment to build: these fragments of this column, for this index. */
export type SegmentRequest = {
  readonly index: string;
  readonly fieldId: number;
  readonly column: string;
  readonly fragments: Uint32Array;
  /** Live rows in them. */
  readonly rows: number;
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

/** Built segments on loan: disposing removes every local file that was not moved away. */
export type Build = AsyncDisposable & {
  /** The manifest that the build read: coverage is checked against it at commit. */
  readonly manifest: Manifest;
  readonly segments: readonly BuiltSegment[];
};

export interface SegmentBuilder {
  /** Errors: build_failed (LanceDB failed), build_stale (a file of the table is gone), and those of openFragmentView. */
  build(manifest: Manifest, tableUri: string, requests: readonly SegmentRequest[]): Promise<Build>;
}

export function lanceSegmentBuilder(scratchDir: string): SegmentBuilder {
  return {
    async build(manifest, tableUri, requests) {
      const releases = new Releases();
      try {
        const segments: BuiltSegment[] = [];
        // Indexes that miss the same fragments share a view; within a view LanceDB commits one index after the other.
        for (const group of sameFragments(requests)) {
          const [first] = group;
          const view = await openFragmentView(manifest, tableUri, first.fragments, scratchDir);
          releases.push(() => view[Symbol.asyncDispose]());
          segments.push(...(await buildInView(view.database, view.folder, group)));
        }
        return { manifest, segments, [Symbol.asyncDispose]: () => releases.run() };
      } catch (error) {
        await releases.run();
        throw error;
      }
    },
  };
}

type Group = [SegmentRequest, ...SegmentRequest[]];

function sameFragments(requests: readonly SegmentRequest[]): Group[] {
  const groups = new Map<string, Group>();
  for (const request of requests) {
    const key = request.fragments.join();
    const group = groups.get(key);
    if (group) group.push(request);
    else groups.set(key, [request]);
  }
  return [...groups.values()];
}

async function buildInView(database: string, folder: string, group: Group): Promise<BuiltSegment[]> {
  const tookMs = new Map<string, number>();
  try {
    const connection = await connect(database);
    const table = await connection.openTable(VIEW_TABLE);
    try {
      for (const { column, index } of group) {
        const start = performance.now();
        await table.createIndex(column, { config: Index.btree(), name: index, replace: true });
        tookMs.set(index, performance.now() - start);
      }
    } finally {
      table.close();
      connection.close();
    }
  } catch (error) {
    throw buildError(error, group);
  }
  const { indexes } = await new LanceTable(localStore(folder)).latest();
  return Promise.all(
    group.map(async (request) => {
      const built = indexes.find((index) => index.name === request.index);
      if (!built || built.fields[0] !== request.fieldId) {
        throw new SegmentdError('build_failed', `LanceDB built no index over "${request.column}"`);
      }
      const segmentFolder = join(folder, '_indices', built.uuid);
      const files = await filesOf(segmentFolder);
      const buildMs = tookMs.get(request.index) ?? 0;
      return { ...request, uuid: built.uuid, metadata: built.raw, files, folder: segmentFolder, buildMs };
    }),
  );
}

async function filesOf(folder: string): Promise<IndexFile[]> {
  const names = (await readdir(folder)).sort();
  return Promise.all(names.map(async (path) => ({ path, bytes: (await stat(join(folder, path))).size })));
}

/**
 * LanceDB gives its errors no kind, only text. A data file that is not there means that compaction and cleanup were faster
 * than the build: plan again. Held by a test that removes a data file under a build.
 */
function buildError(error: unknown, group: Group): SegmentdError {
  const columns = group.map((request) => request.column).join(', ');
  const gone = /not found/i.test(messageOf(error));
  return new SegmentdError(
    gone ? 'build_stale' : 'build_failed',
    `LanceDB could not index ${columns}: ${messageOf(error).split('\n', 1)[0]}`,
    { cause: error },
  );
}
