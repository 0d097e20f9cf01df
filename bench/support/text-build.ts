/**
 * A process that builds one full-text index of a table: `text-build.ts <uri> <scratch> <memory bytes>`, where 0 leaves the engine to
 * itself. Prints what it took as JSON.
 */
import { lanceSegmentBuilder, viewBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { openScratch } from '../../src/lib/scratch.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { localPlace } from '../../testing/local-place.ts';
import { peakBytes } from './peak-bytes.ts';

const LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };

const [uri = '', scratchDir = '', memory] = process.argv.slice(2);
const scratch = await openScratch(scratchDir);
const memoryBytes = Number(memory);
const builder = memoryBytes === 0 ? viewBuilder(scratch.dir) : lanceSegmentBuilder(scratch.dir, { memoryBytes });
const manifest = await new LanceTable(localStore(uri)).latest();
const wanted = [{ column: 'body', kind: 'fts', parameters: { with_position: true } }] as const;
const { requests } = planTable(manifest, { ...DEFAULT_POLICY, wanted }, LIMITS);
const before = peakBytes();
const lap = stopwatch();
const { segments } = await builder.build(manifest, localPlace(uri), requests);
const files = segments[0]?.files ?? [];
const result = {
  seconds: lap() / 1000,
  addedBytes: peakBytes() - before,
  partitions: files.filter(({ path }) => path.endsWith('_docs.lance')).length,
  bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
};
await scratch.remove();
process.stdout.write(JSON.stringify(result));
