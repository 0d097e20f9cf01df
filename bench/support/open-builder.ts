/** The builder of the daemon, in a scratch folder as the daemon has it: part of it in memory, where there is a place for that. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { lanceSegmentBuilder } from '../../src/lance/engine/segment-builder.ts';
import type { SegmentBuilder } from '../../src/lance/segment.ts';
import { openScratch } from '../../src/lib/scratch.ts';

const inMemory = new Set<string>();

/** Below `home`, which goes with the run; what is in memory goes with the process. */
export async function openBuilder(home: string): Promise<SegmentBuilder> {
  const { dir, memoryDir } = await openScratch(join(home, 'scratch'));
  // One listener, however many builders: a scenario opens one for each table.
  if (memoryDir && inMemory.size === 0) process.once('exit', removeAll);
  if (memoryDir) inMemory.add(memoryDir);
  return lanceSegmentBuilder(dir, { memoryDir });
}

function removeAll(): void {
  for (const folder of inMemory) rmSync(folder, { recursive: true, force: true });
}
