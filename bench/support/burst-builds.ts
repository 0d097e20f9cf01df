/**
 * A process that builds an index of a table many times at once: `burst-builds.ts <uri> <scratch> <builds> <pool bytes>`, where a pool of 0
 * is the engine's own and takes no account of memory: what fails is tried again as the daemon does. Prints what it took as JSON.
 */
import { lanceSegmentBuilder, viewBuilder } from '../../src/lance/engine/segment-builder.ts';
import { DEFAULT_POLICY } from '../../src/lance/plan/row-ids.ts';
import { planTable } from '../../src/lance/plan/table-plan.ts';
import { LanceTable } from '../../src/lance/table/table.ts';
import { backoffMs } from '../../src/lib/backoff.ts';
import { openScratch } from '../../src/lib/scratch.ts';
import { sleep } from '../../src/lib/sleep.ts';
import { stopwatch } from '../../src/lib/stopwatch.ts';
import { localStore } from '../../src/store/local-store.ts';
import { localPlace } from '../../testing/local-place.ts';
import { peakBytes } from './peak-bytes.ts';

const RETRY = { initialMs: 500, maxMs: 60_000 };
const LIMITS = { maxRows: Number.MAX_SAFE_INTEGER, maxFragments: Number.MAX_SAFE_INTEGER };

const [uri = '', scratchDir = '', builds, poolBytes] = process.argv.slice(2);
const scratch = await openScratch(scratchDir);
const builder =
  Number(poolBytes) === 0
    ? viewBuilder(scratch.dir)
    : lanceSegmentBuilder(scratch.dir, { memoryBytes: Number(poolBytes) });
const manifest = await new LanceTable(localStore(uri)).latest();
const wanted = [{ column: 'id' }, { column: 'name' }];
const { requests } = planTable(manifest, { ...DEFAULT_POLICY, wanted }, LIMITS);

let failed = 0;
async function build(): Promise<void> {
  for (let failures = 1; ; failures++) {
    try {
      await using _ = await builder.build(manifest, localPlace(uri), requests);
      return;
    } catch {
      failed += 1;
      await sleep(backoffMs(RETRY, failures));
    }
  }
}
const lap = stopwatch();
await Promise.all(Array.from({ length: Number(builds) }, build));
const seconds = lap() / 1000;
await scratch.remove();
process.stdout.write(JSON.stringify({ seconds, failed, peakBytes: peakBytes() }));
