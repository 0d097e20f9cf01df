/** One segment per index, over exactly the missing fragments. */
import type { OperatorFunction } from 'rxjs';
import { concatMap } from 'rxjs';
import type { BuildScope } from '../lance/engine/build-unless-stale.ts';
import { buildUnlessStale } from '../lance/engine/build-unless-stale.ts';
import type { Build } from '../lance/segment.ts';
import { asSegmentdError, SegmentdError } from '../lib/errors.ts';
import { stopwatch } from '../lib/stopwatch.ts';
import type { PipelineContext } from './context.ts';
import { requeue } from './retry.ts';
import { traced } from './traced.ts';
import type { Built, MergesAlong, Missing, Planned } from './work.ts';

export function build(context: PipelineContext): OperatorFunction<Planned, Built> {
  return concatMap(async (planned) =>
    planned.kind === 'missing' ? traced(planned.batch, 'build', () => buildSegments(context, planned)) : planned,
  );
}

async function buildSegments(context: PipelineContext, planned: Missing): Promise<Built> {
  const { batch, requests } = planned;
  const table = batch.table.id;
  for (const { index, fragments, rows } of requests) {
    context.telemetry.buildStarted({ table, index, fragments: fragments.length, rows });
  }
  const lap = stopwatch();
  const unfinished = (outcome: 'stale' | 'failed') => {
    const seconds = lap() / 1000;
    for (const { index } of requests) {
      context.telemetry.buildFinished({ table, index, outcome, seconds, rows: 0, bytes: 0 });
    }
  };
  let made: Made;
  try {
    made = await buildAll(context, planned);
  } catch (error) {
    unfinished('failed');
    throw asSegmentdError(error);
  }
  const { build, along } = made;
  if (!build) {
    unfinished('stale');
    return requeue(context, batch, 'files_gone');
  }
  if (build.segments.length === 0 && (build.withheld ?? []).length > 0) {
    await build[Symbol.asyncDispose]();
    unfinished('failed');
    return requeue(context, batch, 'nothing_left');
  }
  // A table that will be declined for the rest once this is covered stays declined meanwhile: that is said once.
  if (planned.unreadable.size === 0 && context.states.served(table)) context.telemetry.tableServed({ table });
  for (const { index, rows, files, buildMs } of build.segments.filter((segment) => !along?.owns(segment))) {
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    context.telemetry.buildFinished({ table, index, outcome: 'ok', seconds: buildMs / 1000, rows, bytes });
  }
  for (const { index } of [...(build.withheld ?? []), ...(build.failed ?? [])]) {
    context.telemetry.buildFinished({ table, index, outcome: 'failed', seconds: lap() / 1000, rows: 0, bytes: 0 });
  }
  return { ...planned, kind: 'built', build, along };
}

/** What was built, null when a cleanup was faster, and the merges that are part of it. */
type Made = { readonly build: Build | null; readonly along: MergesAlong | null };

/** Builds the merges with the rest, or the rest alone where that fails: fresh data must not suffer from what lies under old segments. */
async function buildAll(
  context: PipelineContext,
  { batch, manifest, requests, remove, along }: Missing,
): Promise<Made> {
  const buildThose = (all: Missing['requests'], scope: BuildScope) =>
    buildUnlessStale(context.builder, context.tables.open(batch.table.uri), manifest, all, scope);
  // What is replaced must be replaced whole.
  const scope = remove.length > 0 ? 'replacement' : 'fresh';
  if (along) {
    along.started();
    try {
      const build = await buildThose([...requests, ...along.requests], 'replacement');
      if (build?.withheld?.some((request) => along.owns(request))) {
        await build[Symbol.asyncDispose]();
        along.failed();
        return { build: await buildThose(requests, scope), along: null };
      }
      if (build) {
        along.built(build.segments);
        return { build, along };
      }
      along.refused('files_gone');
    } catch (error) {
      along.failed();
      if (!(error instanceof SegmentdError) || context.signal.aborted) throw error;
    }
  }
  return { build: await buildThose(requests, scope), along: null };
}
