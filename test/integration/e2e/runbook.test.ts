/** What docs/runbook.md says to run about a table is run here, on a table that has what the alert is about. */
import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { claim } from '../../../testing/claim-fragments.ts';
import { segmentd } from '../../../testing/cli.ts';
import type { RealTable } from '../../../testing/lance-table.ts';
import { idsWhere, index, realTable } from '../../../testing/lance-table.ts';
import { people } from '../../../testing/people.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const ROWS = 100;
const FRAGMENTS = 11;
const TABLE = '/data/demo/events.lance';
/** The same table by its name in a configuration. */
const NAMED = 'demo/events -c segmentd.yaml';
const page = readFileSync(new URL('../../../docs/runbook.md', import.meta.url), 'utf8');

/** Whether a command is run here. */
const isHere = (line: string) => line.includes(TABLE) || line === `status ${NAMED}`;

/** The commands about a table below a heading, without `segmentd`. */
function commandsOf(heading: string): string[][] {
  const text = page.split(/^### /m).find((it) => it.startsWith(`${heading}\n`)) ?? '';
  const lines = Array.from(text.matchAll(/^segmentd (.+)$/gm), ([, line = '']) => line);
  return lines.filter(isHere).map((line) => line.split(' '));
}

const alerts = Array.from(page.matchAll(/^### (Segmentd\w+)$/gm), ([, name = '']) => name);
const withCommands = alerts.filter((name) => commandsOf(name).length > 0);

/** What the alerts on a table look at. */
type Facts = {
  readonly coverage: number;
  readonly segments: number;
  readonly versions: number;
  readonly small_fragments: number;
  readonly index_dead_bytes: number;
};

async function factsOf(uri: string): Promise<Facts> {
  const { stdout } = await segmentd(['status', uri, '--json']);
  const { indexes, cost } = JSON.parse(stdout);
  const [{ coverage, segments }] = indexes;
  return { ...cost, coverage, segments: segments.length };
}

/** Fragments that each have a segment, some merged before, and the last of them not indexed yet: too much of everything. */
async function neglected(): Promise<RealTable> {
  const real = await realTable(people(0, ROWS));
  await index(real.uri, { wanted: [{ column: 'id' }] });
  for (let at = 1; at < FRAGMENTS; at++) {
    await real.table.add(people(at * ROWS, ROWS));
    if (at < FRAGMENTS - 1) await index(real.uri);
    if (at === 2) await segmentd(['merge', real.uri, '--to', '1', '--scratch-dir', await tempDir()]);
  }
  return real;
}

/** Runs a command of the page on `uri`. Its versions are seconds old: those that the page keeps for a time are not kept. */
async function follow(uri: string, command: readonly string[], exit = 0): Promise<void> {
  const config = join(await tempDir(), 'segmentd.yaml');
  await writeFile(config, `databases: {demo: ${dirname(uri)}}\n`);
  const names: Record<string, string> = { 'demo/events': `demo/${basename(uri, '.lance')}`, 'segmentd.yaml': config };
  const args = command.map((word) => names[word] ?? word.replace(TABLE, uri).replace(/^\d+[hd]$/, '0s'));
  const scratch = command[0] === 'status' || command[0] === 'verify' ? [] : ['--scratch-dir', await tempDir()];
  const { code, stderr } = await segmentd([...args, ...scratch]);
  expect({ command, code, stderr }).toMatchObject({ command, code: exit });
}

/** What is better after the advice than before. */
const BETTER: Readonly<Record<string, (before: Facts, after: Facts) => void>> = {
  SegmentdIndexLag: () => undefined,
  SegmentdIndexLagHigh: (_, after) => expect(after.coverage).toBe(1),
  SegmentdTableRetrying: (_, after) => expect(after.coverage).toBe(1),
  SegmentdCommitRetries: () => undefined,
  SegmentdMergesFailing: (before, after) => expect(after.segments).toBeLessThan(before.segments),
  SegmentdManySegments: (before, after) => {
    expect(before.segments).toBeGreaterThan(4);
    expect(after.segments).toBeLessThanOrEqual(4);
  },
  SegmentdManyVersions: (_, after) => expect(after.versions).toBeLessThanOrEqual(2),
  SegmentdDeadIndexFiles: (_, after) => expect(after.index_dead_bytes).toBe(0),
  SegmentdIndexDiskGrowth: (_, after) => expect(after.index_dead_bytes).toBe(0),
  SegmentdSmallFragments: (_, after) => expect(after.small_fragments).toBe(1),
  SegmentdTableDeclined: () => undefined,
};

const WRONG = 'SegmentdWrongAnswer';

test('every section with commands about a table is followed here', () => {
  expect(new Set(withCommands)).toEqual(new Set([...Object.keys(BETTER), WRONG]));
});

test.each(Object.keys(BETTER))('%s: what its section says to run helps, and answers stay right', async (alert) => {
  const { uri, table } = await neglected();
  const before = await factsOf(uri);
  expect(before).toMatchObject({ small_fragments: FRAGMENTS, coverage: expect.closeTo(1 - 1 / FRAGMENTS, 5) });
  expect(before.index_dead_bytes).toBeGreaterThan(0);
  for (const command of commandsOf(alert)) await follow(uri, command);
  BETTER[alert]?.(before, await factsOf(uri));
  for (const id of [0, ROWS, FRAGMENTS * ROWS - 1]) expect(await idsWhere(table, `id = ${id}`)).toEqual([id]);
});

/** Most of its answers are wrong: `verify` looks at a few of them. */
async function answersWrongly(segments: number): Promise<RealTable> {
  const real = await realTable(people(0, ROWS));
  for (let at = 0; at < segments; at++) {
    if (at > 0) await real.table.add(people(at * ROWS, ROWS));
    await index(real.uri, { wanted: [{ column: 'id' }] });
  }
  await real.table.add(people(segments * ROWS, 50 * ROWS));
  await claim(real.uri, [segments - 1, segments]);
  return real;
}

describe('SegmentdWrongAnswer: an index that answers wrongly is found, and answers rightly after what its section says', () => {
  const commands = commandsOf(WRONG);
  const [find = [], merge = [], check = [], make = []] = commands;

  test('of several segments', async () => {
    expect(commands.map(([name]) => name)).toEqual(['verify', 'merge', 'verify', 'index']);
    const { uri, table } = await answersWrongly(2);
    await follow(uri, find, 1);
    for (const command of [merge, check]) await follow(uri, command);
    for (const id of [0, 40 * ROWS]) expect(await idsWhere(table, `id = ${id}`)).toEqual([id]);
  });

  test('of one segment', async () => {
    const { uri, table } = await answersWrongly(1);
    await follow(uri, find, 1);
    await table.dropIndex('id_idx');
    for (const command of [make, check]) await follow(uri, command);
    for (const id of [0, 40 * ROWS]) expect(await idsWhere(table, `id = ${id}`)).toEqual([id]);
  });
});

test('the other commands are run elsewhere', () => {
  const others = alerts.flatMap((alert) => {
    const text = page.split(/^### /m).find((it) => it.startsWith(`${alert}\n`)) ?? '';
    const lines = Array.from(text.matchAll(/^segmentd (.+)$/gm), ([, line = '']) => line);
    return lines.filter((line) => !isHere(line));
  });
  // In operators.test.ts and main.test.ts.
  expect(new Set(others)).toEqual(
    new Set(['status --daemon http://127.0.0.1:9464', 'announce demo/events -c segmentd.yaml']),
  );
});
