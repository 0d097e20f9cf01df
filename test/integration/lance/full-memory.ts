/** Builds a segment while the place in memory is short of something: mounts one with these options in a mount name space of its own, and prints what came of it. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { maintainedIndexes } from '../../../src/lance/plan/index-plan.ts';
import { nextSegments } from '../../../src/lance/plan/next-segments.ts';
import { LanceTable } from '../../../src/lance/table/table.ts';
import { localStore } from '../../../src/store/local-store.ts';

const [uri = '', home = '', options = ''] = process.argv.slice(2);
const [memoryDir, scratch] = [join(home, 'memory'), join(home, 'scratch')];
mkdirSync(memoryDir);
mkdirSync(scratch);
execFileSync('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', memoryDir]);
const table = new LanceTable(localStore(uri));
const manifest = await table.latest();
const limits = { maxRows: 1e9, maxFragments: 1e9 };
const requests = nextSegments(manifest, maintainedIndexes(manifest, [{ column: 'id' }]), limits);
const build = await lanceSegmentBuilder(scratch, { memoryDir }).build(manifest, table.place(), requests);
const { length } = build.segments;
await build[Symbol.asyncDispose]();
process.stdout.write(
  JSON.stringify({
    segments: length,
    left:
      readdirSync(memoryDir).length +
      readdirSync(scratch, { recursive: true, withFileTypes: true }).filter((it) => it.isFile()).length,
  }),
);
