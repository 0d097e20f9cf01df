/** Memory of a process that commits and commits, to one table whose manifest stays as large as it was. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { LanceTable } from '../../src/lance/table/table.ts';
import { localStore } from '../../src/store/local-store.ts';
import type { Sample } from '../harness/rounds.ts';
import { indexOnce } from './index-once.ts';
import { openBuilder } from './open-builder.ts';

/** The index is made one segment again, and the table compacted, from time to time. */
const CONSOLIDATE_EVERY = 50;
const MIB = 2 ** 20;

/** MiB of this process after so many commits, at each of the checkpoints, which ascend. */
export async function committingMemory(home: string, checkpoints: readonly number[]): Promise<Sample[]> {
  // A process of its own: LanceDB's appends must not fill the memory that is measured.
  const script = fileURLToPath(new URL('memory-writer.ts', import.meta.url));
  const database = join(home, 'committing');
  const writer = spawn(process.execPath, [script, database], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const answers = createInterface({ input: writer.stdout })[Symbol.asyncIterator]();
    const ask = async (what: 'append' | 'consolidate') => {
      writer.stdin.write(`${what}\n`);
      await answers.next();
    };
    await answers.next();
    const table = new LanceTable(localStore(join(database, 't.lance')));
    const builder = await openBuilder(home);
    const samples: Sample[] = [];
    for (let commit = 1; samples.length < checkpoints.length; commit++) {
      await ask('append');
      await indexOnce(table, builder);
      if (commit % CONSOLIDATE_EVERY === 0) await ask('consolidate');
      if (commit === checkpoints[samples.length]) samples.push(memoryNow());
    }
    return samples;
  } finally {
    writer.stdin.end();
  }
}

/** With `--expose-gc`, which `npm run bench` gives, without what nobody holds any more. */
function memoryNow(): Sample {
  globalThis.gc?.();
  const { rss, heapUsed, external } = process.memoryUsage();
  return { resident: rss / MIB, heap: heapUsed / MIB, external: external / MIB };
}
