/**
 * A table over a long time: appends with upserts and deletes, with housekeeping, and without it beside it. Versions, files, bytes, memory,
 * descriptors and lookups level off with it, and grow without end otherwise.
 *
 *   npm run bench:soak -- [--appends 5000] [--samples 10] [--json]
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { formatBytes, formatTable } from '../../src/commands/terminal/output.ts';
import type { Soak } from '../../testing/soak.ts';
import { HOUSEKEEPING, soak } from '../../testing/soak.ts';

const { values: options } = parseArgs({
  options: {
    appends: { type: 'string', default: '5000' },
    samples: { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});

const HEADER = [
  ...['changes', 'rows', 'fragments', 'segments', 'versions', 'manifests', 'files', 'bytes'],
  ...['RSS', 'descriptors', 'lookup p50 ms'],
];

function curve({ samples }: Soak): string {
  const lines = samples.map((it) => [
    ...[it.step, it.rows, it.fragments, it.segments, it.versions, formatBytes(it.manifestBytes), it.files],
    ...[formatBytes(it.bytes), formatBytes(it.rssBytes), it.descriptors, it.lookupMs.toFixed(2)],
  ]);
  return formatTable(HEADER, lines);
}

/** The last value of a curve, as lines of a length that shows it among the others. */
function bars(name: string, { samples }: Soak, of: (it: Soak['samples'][number]) => number, most: number): string {
  const levels = ' ▁▂▃▄▅▆▇█';
  const at = (value: number) => levels[Math.min(8, Math.ceil((8 * value) / most))] ?? '';
  return `${name} ${samples.map((it) => at(of(it))).join('')}`;
}

const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
try {
  const done: [string, Soak][] = [];
  for (const [name, maintain] of [
    ['with housekeeping', HOUSEKEEPING],
    ['without', null],
  ] as const) {
    const onSample = ({ step }: { step: number }) => process.stderr.write(`${name}: ${step} changes\n`);
    const limits = { steps: Number(options.appends), samples: Number(options.samples) };
    done.push([name, await soak(join(home, name.split(' ', 1)[0] as string), { ...limits, maintain, onSample })]);
  }
  if (options.json) process.stdout.write(`${JSON.stringify(Object.fromEntries(done))}\n`);
  else {
    for (const [name, it] of done) {
      const { maintenanceFinished, maintenanceFailed } = it.runs;
      process.stdout.write(
        `\n${name}: ${it.seconds.toFixed(0)} s, ${maintenanceFinished} runs, ${maintenanceFailed} that another writer or the clock ended\n${curve(it)}\n`,
      );
    }
    const curves = {
      versions: (it: Soak['samples'][number]) => it.versions,
      files: (it: Soak['samples'][number]) => it.files,
      bytes: (it: Soak['samples'][number]) => it.bytes,
      'lookup p50': (it: Soak['samples'][number]) => it.lookupMs,
    };
    for (const [what, of] of Object.entries(curves)) {
      const most = Math.max(...done.flatMap(([, { samples }]) => samples.map(of)));
      process.stdout.write(`\n${what}\n`);
      for (const [name, it] of done) process.stdout.write(`${bars(name.padEnd(18), it, of, most)}\n`);
    }
  }
} finally {
  await rm(home, { recursive: true, force: true });
}
