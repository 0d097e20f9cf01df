import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inject, onTestFinished, test } from 'vitest';
import { stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import { openLag } from '../../../src/kafka/lag.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { ensureTopics } from '../../../src/kafka/topics.ts';
import { MIN_ROWS } from '../../../testing/kind-rows.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { ROUNDS_OF_ALL_POINTS } from './kill-points.ts';
import type { RoundsSetup, Share } from './kill-rounds.ts';
import { killRounds } from './kill-rounds.ts';
import { KillWorld, MERGE_OPTIONS } from './kill-world.ts';
import { startMortal } from './mortal.ts';

const ROUNDS = Number(process.env.SEGMENTD_KILL_DAEMON_ROUNDS ?? ROUNDS_OF_ALL_POINTS);

/** How long the group waits for a member that was killed. The rest follows from it, as the rules of the options want it. */
const SESSION_MS = 1_500;

test('killed anywhere, the daemon continues at the committed offset', { timeout: 600_000 }, async () => {
  await killRounds(ROUNDS, kafkaSetup);
});

async function kafkaSetup(share: Share): Promise<RoundsSetup> {
  const home = await tempDir();
  const database = join(home, 'db');
  await mkdir(database);
  const scratch = join(home, 'scratch');
  const configFile = join(home, 'segmentd.yaml');
  const id = randomUUID().slice(0, 8);
  const config = {
    databases: { db: database },
    kafka: {
      brokers: inject('brokers'),
      topic: `events-${id}`,
      dead_letter_topic: `dead-${id}`,
      group_id: `group-${id}`,
      session_timeout_ms: SESSION_MS,
      heartbeat_interval_ms: SESSION_MS / 5,
      request_timeout_ms: SESSION_MS - 300,
      max_wait_ms: 100,
      commit_interval_ms: 100,
    },
    batch: { max_fragments: 1 },
    merge: MERGE_OPTIONS,
    shutdown: { drain_ms: 300 },
    vector: { min_rows: MIN_ROWS },
    state: { scratch_dir: scratch },
    http: { port: 0 },
  };
  await writeFile(configFile, stringify(config));
  const settings = kafkaSettings(loadConfig({ file: configFile, env: {}, cwd: home }));
  await ensureTopics(settings, { partitions: 1, replicationFactor: 1 });
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  const probe = openLag(settings, 60_000);
  onTestFinished(() => probe.stop());
  const world = await KillWorld.open(database, share);
  onTestFinished(() => world.close());
  return {
    world,
    scratch,
    events: {
      send: (event) => producer.send(settings.topic, [{ key: Buffer.from('db/people'), value: Buffer.from(event) }]),
      position: async () => Number((await probe.read()).get(0)?.committed ?? 0n),
    },
    start: () => startMortal(configFile, [], {}),
    arm: (mortal, arming) => mortal.arm(arming),
  };
}
