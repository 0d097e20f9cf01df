/**
 * Builds index segments over chosen fragments. The only use of LanceDB's engine for writing: the day the library offers
 * uncommitted segments itself, this file changes and nothing else.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Connection, Index, Table } from '@lancedb/lancedb';
import { asyncLimit } from '../../lib/async-limit.ts';
import { Cleanup } from '../../lib/cleanup.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { settleAll } from '../../lib/settle-all.ts';
import { stopwatch } from '../../lib/stopwatch.ts';
import { withoutValues } from '../../lib/without-values.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { parseManifest } from '../codec/manifest.ts';
import { ownUuid, withUuid } from '../codec/own-uuid.ts';
import { kindNamed, sameParameters } from '../plan/index-kind.ts';
import type { EngineCall } from '../plan/kinds/kind.ts';
import type { BuiltSegment, SegmentBuilder, SegmentRequest, TablePlace } from '../segment.ts';
import type { FragmentView } from './fragment-view.ts';
import { openFragmentView, viewManifestFile } from './fragment-view.ts';
import { lancedb } from './lancedb.ts';
import { enginePool } from './memory-pool.ts';
import { MemoryViews } from './memory-views.ts';
import type { LaneBuilder } from './pooled-builder.ts';
import { pooledBuilder } from './pooled-builder.ts';

/** Views are read once and never again, so the engine's default caches (7 GiB) would only fill up with them. */
const CACHE_BYTES = 16n * 1024n * 1024n;

/** An open connection keeps about 16 KB of each view (measured); a new one costs less than a millisecond. */
const VIEWS_PER_CONNECTION = 100;

export type BuilderOptions = {
  /** A folder in memory for what is small, where there is one: see memory-folder. */
  readonly memoryDir?: string | null | undefined;
  /** What all builds of the process sort in; the first builder decides. Default: see defaultPoolBytes. */
  readonly memoryBytes?: number | undefined;
  /** Once it has fired, builds that wait for memory reject. */
  readonly signal?: AbortSignal;
};

/** A builder that makes its views below `scratchDir`, and runs as many builds at once as there is memory for. */
export function lanceSegmentBuilder(scratchDir: string, options: BuilderOptions = {}): SegmentBuilder {
  const { memoryBytes, memoryDir = null, signal } = options;
  return pooledBuilder(builderInViews(scratchDir, memoryDir), enginePool(memoryBytes), signal);
}

/** A builder that takes no account of memory, and builds one segment after the other. */
export function viewBuilder(scratchDir: string): SegmentBuilder {
  const builder = builderInViews(scratchDir, null);
  return { build: (manifest, place, requests) => builder.build(manifest, place, requests, 1) };
}

function builderInViews(scratchDir: string, memoryDir: string | null): LaneBuilder {
  const connections = new ViewConnections();
  const memory = memoryDir === null ? null : new MemoryViews(scratchDir, memoryDir);
  return {
    async build(manifest, place, requests, lanes) {
      const views = new Cleanup();
      const limit = asyncLimit(lanes);
      // What has not begun when one fails is not begun.
      const failed = new AbortController();
      const buildGroup = async (group: Group) => {
        const [{ fragments, indexVersion = 0 }] = group;
        const fieldIds = group.map(({ fieldId }) => fieldId);
        const keepsRowIds = indexVersion === 0;
        const seen = { manifest, tableUri: place.uri, fragments, fieldIds, keepsRowIds };
        const view = openFragmentView(seen, scratchDir, memory);
        views.defer(() => view.remove());
        return buildInView(await connections.to(view.database), view, group, place.storageOptions);
      };
      try {
        // In one view LanceDB makes one index after the other.
        const groups: readonly Group[] = lanes > 1 ? requests.map((request) => [request]) : sameFragments(requests);
        const tasks = groups.map((group) =>
          limit
            .run(() => buildGroup(group), failed.signal)
            .catch((error: unknown) => {
              failed.abort();
              throw error;
            }),
        );
        const built = (await settleAll(tasks)).flat();
        const made = new Set(built.map(({ request }) => request));
        return {
          manifest,
          segments: built.map(({ segment }) => segment),
          withheld: requests.filter((request) => !made.has(request)),
          [Symbol.asyncDispose]: () => views.run(),
        };
      } catch (error) {
        // Opened anew next time: a connection that failed to open stays failed.
        connections.forget();
        await views.run();
        throw error;
      }
    },
  };
}

/** LanceDB's connections to the folders that views lie in. */
class ViewConnections {
  readonly #open = new Map<string, { readonly connection: Promise<Connection>; views: number }>();

  to(database: string): Promise<Connection> {
    const known = this.#open.get(database);
    if (known && known.views < VIEWS_PER_CONNECTION) {
      known.views += 1;
      return known.connection;
    }
    // The previous one is closed by the garbage collector: a build may still use it. The session is no third argument: LanceDB 0.39 drops that.
    const connection = lancedb().then(({ connect, Session }) =>
      connect({ uri: database, session: new Session(CACHE_BYTES, CACHE_BYTES) }),
    );
    this.#open.set(database, { connection, views: 1 });
    return connection;
  }

  forget(): void {
    this.#open.clear();
  }
}

type Group = [SegmentRequest, ...SegmentRequest[]];
type Made = { readonly request: SegmentRequest; readonly segment: BuiltSegment };

/** Indexes that miss the same fragments, and record the same of a row, share a view: that takes less of a busy machine than one for each. */
function sameFragments(requests: readonly SegmentRequest[]): Group[] {
  const groups = new Map<string, Group>();
  for (const request of requests) {
    const key = `${request.indexVersion ?? 0} ${request.fragments.join()}`;
    const group = groups.get(key);
    if (group) group.push(request);
    else groups.set(key, [request]);
  }
  return [...groups.values()];
}

async function buildInView(
  connection: Connection,
  view: FragmentView,
  group: Group,
  storageOptions: TablePlace['storageOptions'],
): Promise<Made[]> {
  const took: { readonly request: SegmentRequest; readonly buildMs: number }[] = [];
  try {
    const table = await connection.openTable(view.name, undefined, { storageOptions: { ...storageOptions } });
    try {
      for (const request of group) {
        const lap = stopwatch();
        if (await createIndex(table, request)) took.push({ request, buildMs: lap() });
      }
    } finally {
      table.close();
    }
  } catch (error) {
    throw buildError(error, group, storageOptions);
  }
  const { indexes } = parseManifest(readFileSync(viewManifestFile(view, took.length)));
  return took.map(({ request, buildMs }) => {
    const built = indexes.find((index) => index.name === request.index);
    if (!built || built.fields[0] !== request.fieldId || built.files.length === 0) {
      throw new SegmentdError('build_failed', `LanceDB built no index over "${request.column}"`);
    }
    const { raw, files } = built;
    const uuid = ownUuid();
    const folder = join(view.segments, built.uuid);
    const of = {
      parameters: parametersBuilt(request, built, folder),
      indexVersion: request.indexVersion ?? built.indexVersion,
    };
    return { request, segment: { ...request, ...of, uuid, metadata: withUuid(raw, uuid), files, folder, buildMs } };
  });
}

/** Whether the index is there now: not when the rows have too little to index, which is no fault of the others. */
async function createIndex(
  table: Table,
  { column, index, kind: name, parameters, own, rows }: SegmentRequest,
): Promise<boolean> {
  const kind = kindNamed(name);
  const config = await configOf(kind.engineCall({ ...parameters, ...own }, rows));
  try {
    await table.createIndex(column, { config, name: index, replace: true });
    return true;
  } catch (error) {
    if (kind.lacksRows?.(messageOf(error))) return false;
    throw error;
  }
}

async function configOf({ method, options }: EngineCall): Promise<Index> {
  const { Index: indexes } = await lancedb();
  // The kinds name functions of Index; `lance/plan` does not know the package, so that its types cannot say so.
  const make = indexes[method as 'btree'] as (options: EngineCall['options']) => Index;
  return make(options);
}

/** What the segment was built with, which has to be what was asked for: segments of one name with different parameters make queries fail. */
function parametersBuilt({ index, kind: name, parameters }: SegmentRequest, built: IndexMetadata, folder: string) {
  const kind = kindNamed(name);
  const file = kind.parametersFile;
  const entry = file ? { ...built, fileParameters: file.read(readFileSync(join(folder, file.name))) } : built;
  const made = kind.matches(built) ? { ...parameters, ...kind.parametersOf(entry) } : null;
  if (!made || !sameParameters({ ...made, ...parameters }, made)) {
    const what = made ? JSON.stringify(made) : built.typeUrl;
    throw new SegmentdError(
      'build_failed',
      `LanceDB built "${index}" as ${what}, and ${kind.label} ${JSON.stringify(parameters)} was asked for`,
    );
  }
  return made;
}

/**
 * LanceDB gives its errors no kind, only text. A data file that is not there means that compaction and cleanup were faster
 * than the build: plan again. Held by a test that removes a data file under a build.
 */
function buildError(error: unknown, group: Group, storageOptions: TablePlace['storageOptions']): SegmentdError {
  const columns = group.map((request) => request.column).join(', ');
  const gone = /not found/i.test(messageOf(error));
  return new SegmentdError(
    gone ? 'build_stale' : 'build_failed',
    `LanceDB could not index ${columns}: ${withoutValues(messageOf(error).split('\n', 1)[0] ?? '', Object.values(storageOptions))}`,
    { cause: error },
  );
}
