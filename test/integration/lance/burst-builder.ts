/** Builds one index of a table many times at once: `burst-builder.ts <uri> <scratch> <builds> <pool bytes>`. Prints what came of each. */
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import type { SegmentRequest } from '../../../src/lance/segment.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { asSegmentdError } from '../../../src/lib/errors.ts';
import { openScratch } from '../../../src/lib/scratch.ts';
import { localStore } from '../../../src/store/local-store.ts';
import { localPlace } from '../../../testing/local-place.ts';

const [uri = '', scratchDir = '', builds, poolBytes] = process.argv.slice(2);
const scratch = await openScratch(scratchDir);
const builder = lanceSegmentBuilder(scratch.dir, { memoryBytes: Number(poolBytes) });
const manifest = await new LanceTable(localStore(uri)).latest();
const { ids, rows } = manifest.fragments;
const request: SegmentRequest = {
  index: 'id_idx',
  kind: 'btree',
  parameters: {},
  fieldId: 0,
  column: 'id',
  fragments: ids,
  rows: rows.reduce((sum, count) => sum + count, 0),
};

const build = async () => {
  try {
    await using _ = await builder.build(manifest, localPlace(uri), [request]);
    return 'built';
  } catch (error) {
    const { code, message } = asSegmentdError(error);
    return `${code}: ${message}`;
  }
};
const said = await Promise.all(Array.from({ length: Number(builds) }, build));
await scratch.remove();
process.stdout.write(JSON.stringify(said));
