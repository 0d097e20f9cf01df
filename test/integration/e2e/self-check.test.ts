import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import type { Daemon } from '../../../src/daemon/daemon.ts';
import { startDaemon } from '../../../src/daemon/daemon.ts';
import type { lanceSegmentBuilder } from '../../../src/lance/engine/segment-builder.ts';
import { freePorts } from '../../../testing/broker/broker.ts';
import type { LogLine } from '../../../testing/daemon-process.ts';
import { append, metric, tableAt } from './checked-tables.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, until } from './world.ts';

/** While it is on, the segments of daemons in this process hold the first fragment, whatever they claim. */
const forging = vi.hoisted(() => ({ on: false }));
vi.mock('../../../src/lance/engine/segment-builder.ts', async (original) => {
  const real = await original<{ lanceSegmentBuilder: typeof lanceSegmentBuilder }>();
  const forger: typeof lanceSegmentBuilder = (...args) => {
    const builder = real.lanceSegmentBuilder(...args);
    return {
      async build(manifest, place, requests, purpose) {
        if (!forging.on) return builder.build(manifest, place, requests, purpose);
        const first = Uint32Array.of(manifest.fragments.ids[0] as number);
        const swapped = requests.map((request) => ({ ...request, fragments: first }));
        const build = await builder.build(manifest, place, swapped, purpose);
        const claimed = new Map(requests.map(({ index, fragments, rows }) => [index, { fragments, rows }]));
        return {
          ...build,
          segments: build.segments.map((segment) => ({ ...segment, ...claimed.get(segment.index) })),
          [Symbol.asyncDispose]: () => build[Symbol.asyncDispose](),
        };
      },
    };
  };
  return { ...real, lanceSegmentBuilder: forger };
});

const TOKEN = 'letmein-0123456789';

/** A daemon in this process, where its builder can be made to err. */
async function daemonHere(world: World): Promise<{ daemon: Daemon; log: LogLine[]; url: string }> {
  const log: LogLine[] = [];
  const config = loadConfig({ file: world.configFile, env: {}, cwd: world.home });
  const daemon = await startDaemon(config, { log: (line) => log.push(JSON.parse(line) as LogLine) });
  onTestFinished(async () => {
    daemon.stop('now');
    await daemon.finished;
  });
  return { daemon, log, url: `http://127.0.0.1:${daemon.port}` };
}

test('a table whose fresh segments answer wrongly is paused with evidence, also after a restart; another one is served on', async () => {
  const [port] = await freePorts();
  const verify = { sample_every: 2, evidence_dir: 'evidence' };
  const world = await makeWorld({ verify, admin: { port, token: TOKEN } }, 3, {
    control_topic: `control-${Date.now()}`,
    create_topics: { enabled: true, replication_factor: 1 },
  });
  for (const name of ['wrong', 'right']) await makeTable(world, name, 100);
  const { daemon, log, url } = await daemonHere(world);
  const lines = (event: string) => log.filter((line) => line.event === event);
  onTestFinished(() => {
    forging.on = false;
  });
  for (const [name, from] of [
    ['right', 100],
    ['right', 110],
    ['wrong', 100],
  ] as const) {
    await append(world, name, from);
    await until('covered', () => covered(world, name));
  }
  await until('the right one is checked', async () => {
    return (await metric(url, 'segmentd_self_checks_total{outcome="right"}')) === 1;
  });
  forging.on = true;
  await append(world, 'wrong', 110);
  await until('the wrong one is paused', async () => (await tableAt(url, 'wrong'))?.state === 'paused');
  await until('both of its indexes are told', () => lines('answerWrong').length === 2);
  forging.on = false;
  // The commit and its events are done with: the check held up neither.
  expect(await covered(world, 'wrong')).toBe(true);

  const evidence = lines('answerWrong').map((line) => String(line.evidence));
  for (const file of evidence) expect(file.startsWith(join(world.home, 'evidence'))).toBe(true);
  const [first] = await Promise.all(evidence.map(async (file) => JSON.parse(await readFile(file, 'utf8'))));
  expect(first).toMatchObject({
    ...{ schema: 1, table: 'db/wrong', version: lines('answerWrong')[0]?.version, index: 'id_idx' },
    segments: [{ fragments: [2], type: expect.stringContaining('BTree') }],
  });
  expect(first.answers).toContainEqual({ key: expect.stringMatching(/`id` = 11\d/), expected_rows: 1, found_rows: 0 });
  const known = (await tableAt(url, 'wrong'))?.self_check;
  expect(known).toMatchObject({ evidence: expect.stringMatching(/evidence\/wrong-answer-.*\.json$/) });
  expect(await tableAt(url, 'wrong')).toMatchObject({ pause: { by: 'segmentd self-check' } });
  expect(await tableAt(url, 'right')).toMatchObject({ state: 'served', self_check: null });
  expect(await metric(url, 'segmentd_self_check_paused{table="db/wrong"}')).toBe(1);
  expect(await metric(url, 'segmentd_self_checks_total{outcome="wrong"}')).toBe(2);
  daemon.stop('drain');
  await daemon.finished;

  const next = await world.daemon();
  await until('it is paused again', async () => (await tableAt(next.url, 'wrong'))?.state === 'paused');
  expect((await tableAt(next.url, 'wrong'))?.self_check).toEqual(known);
  await append(world, 'wrong', 120);
  await append(world, 'right', 120);
  await until('the other one is covered', () => covered(world, 'right'));
  expect(await covered(world, 'wrong')).toBe(false);
  const headers = { authorization: `Bearer ${TOKEN}` };
  await fetch(`http://127.0.0.1:${port}/v1/tables/db/wrong/resume`, { method: 'POST', headers });
  await until('it is covered once it is resumed', () => covered(world, 'wrong'));
  expect(await tableAt(next.url, 'wrong')).toMatchObject({ self_check: null });
  expect(await metric(next.url, 'segmentd_self_check_paused{table="db/wrong"}')).toBeNaN();
  expect(await next.stop()).toBe(0);
});
