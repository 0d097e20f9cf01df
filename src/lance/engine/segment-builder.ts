/**
 * Builds index segments over chosen fragments. The only use of LanceDB's engine for writing: the day the library offers
 * uncommitted segments itself, this file changes and nothing else.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asyncLimit } from '../../lib/async-limit.ts';
import { Cleanup } from '../../lib/cleanup.ts';
import { messageOf, SegmentdError } from '../../lib/errors.ts';
import { settleAll } from '../../lib/settle-all.ts';
import { withoutValues } from '../../lib/without-values.ts';
import type { IndexMetadata } from '../codec/index-metadata.ts';
import { parseManifest } from '../codec/manifest.ts';
import { ownUuid, withUuid } from '../codec/own-uuid.ts';
import { kindNamed, sameParameters } from '../plan/index-kind.ts';
import type { BuildPurpose, BuiltSegment, SegmentBuilder, SegmentRequest, TablePlace } from '../segment.ts';
import type { FragmentView } from './fragment-view.ts';
import { openFragmentView, viewManifestFile } from './fragment-view.ts';
import type { MakeIndexes } from './make-indexes.ts';
import { makeIndexesHere } from './make-indexes.ts';
import { enginePool } from './memory-pool.ts';
import { MemoryViews } from './memory-views.ts';
import { makeIndexesApart } from './merge-process.ts';
import type { LaneBuilder } from './pooled-builder.ts';
import { pooledBuilder } from './pooled-builder.ts';

export type BuilderOptions = {
  /** A folder in memory for what is small, where there is one: see memory-folder. */
  readonly memoryDir?: string | null | undefined;
  /** What all builds of the process sort in; the first builder decides. Default: see defaultPoolBytes. */
  readonly memoryBytes?: number | undefined;
  /** Once it has fired, builds that wait for memory reject, and those of large merges that are under way. */
  readonly signal?: AbortSignal;
  /** Whether large merges are built by a process of their own, which lets everything else go first: for one that builds fresh data beside them. */
  readonly mergesApart?: boolean;
};

/** Rows of all segments of a merge from which on it is built apart: it takes longer than an append may wait, and than that process to start. */
const LARGE_ROWS = 50_000;

/** A builder that makes its views below `scratchDir`, and runs as many builds at once as there is memory for. */
export function lanceSegmentBuilder(scratchDir: string, options: BuilderOptions = {}): SegmentBuilder {
  const { memoryBytes, memoryDir = null, signal, mergesApart = false } = options;
  // What the pool sets for the engine is for the other process, too.
  const pool = enginePool(memoryBytes);
  const here = makeIndexesHere();
  const apart = mergesApart ? makeIndexesApart(signal) : here;
  const maker = (requests: readonly SegmentRequest[], purpose: BuildPurpose) =>
    purpose === 'merge' && isLarge(requests) ? apart : here;
  return pooledBuilder(builderInViews(scratchDir, memoryDir, maker), pool, signal);
}

/** A builder that takes no account of memory, and builds one segment after the other. */
export function viewBuilder(scratchDir: string): SegmentBuilder {
  const here = makeIndexesHere();
  const builder = builderInViews(scratchDir, null, () => here);
  return {
    build: (manifest, place, requests, purpose = 'fresh') =>
      builder.build(manifest, place, requests, { lanes: 1, purpose }),
  };
}

/** Of a BTREE by its rows; other kinds take longer for each. */
const isLarge = (requests: readonly SegmentRequest[]) =>
  requests.some(({ kind }) => kind !== 'btree') || requests.reduce((sum, { rows }) => sum + rows, 0) >= LARGE_ROWS;

type MakerOf = (requests: readonly SegmentRequest[], purpose: BuildPurpose) => MakeIndexes;

function builderInViews(scratchDir: string, memoryDir: string | null, makerOf: MakerOf): LaneBuilder {
  const memory = memoryDir === null ? null : new MemoryViews(scratchDir, memoryDir);
  return {
    async build(manifest, place, requests, { lanes, purpose }) {
      const make = makerOf(requests, purpose);
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
        return buildInView(make, view, group, place.storageOptions);
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
        await views.run();
        throw error;
      }
    },
  };
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
  make: MakeIndexes,
  view: FragmentView,
  group: Group,
  storageOptions: TablePlace['storageOptions'],
): Promise<Made[]> {
  const indexes = group.map(({ index, column, kind, parameters, own, rows }) => ({
    ...{ index, column, kind, parameters, own, rows },
  }));
  const { database, name } = view;
  const took = await make({ database, name, indexes, storageOptions }).catch((error: unknown) => {
    throw buildError(error, group, storageOptions);
  });
  const made = group.flatMap((request, at) => {
    const buildMs = took[at] ?? null;
    return buildMs === null ? [] : [{ request, buildMs }];
  });
  const { indexes: there } = parseManifest(readFileSync(viewManifestFile(view, made.length)));
  return made.map(({ request, buildMs }) => {
    const built = there.find((index) => index.name === request.index);
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
  // It has a code of its own.
  if (error instanceof SegmentdError) return error;
  const columns = group.map((request) => request.column).join(', ');
  const gone = /not found/i.test(messageOf(error));
  return new SegmentdError(
    gone ? 'build_stale' : 'build_failed',
    `LanceDB could not index ${columns}: ${withoutValues(messageOf(error).split('\n', 1)[0] ?? '', Object.values(storageOptions))}`,
    { cause: error },
  );
}
