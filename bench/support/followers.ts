/** Who covers the appends that are announced in a topic: a daemon, or as little as can do it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { DAEMON_FLAGS } from '../../testing/shipped-program.ts';
import type { Bench } from '../harness/scenario.ts';
import type { BareLine } from './bare-loop.ts';
import { CoveredVersions } from './covered-versions.ts';
import type { DaemonPlace, RunningDaemon } from './daemon-place.ts';
import { metricsOf, runDaemon } from './daemon-place.ts';
import { SEGMENTD } from './freshness-ways.ts';

export type Follower = Pick<RunningDaemon, 'pid' | 'coveredAt'> & {
  /** Of its commits with others, merges included, so far. */
  conflicts(): Promise<number>;
};

export type FollowerKind = {
  readonly name: string;
  /** Follows the topic of the place from now on, until the run ends. */
  start(bench: Bench, place: DaemonPlace): Promise<Follower>;
};

export const DAEMON: FollowerKind = {
  name: SEGMENTD,
  async start({ cleanup }, place) {
    const daemon = await runDaemon(place);
    cleanup.defer(() => daemon.stop());
    const conflicts = async () => (await metricsOf(daemon, { it: 'segmentd_commit_retries_total' })).it;
    return { ...daemon, conflicts };
  },
};

/** What the load, the broker and the merges make of the work, whoever does it. */
export const BARE_LOOP: FollowerKind = {
  name: 'bare loop',
  async start({ home, cleanup }, { configFile }) {
    const program = fileURLToPath(new URL('bare-loop.ts', import.meta.url));
    const child = spawn(process.execPath, [...DAEMON_FLAGS, program, configFile, home], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const ended = once(child, 'exit');
    cleanup.defer(async () => {
      child.kill();
      await ended;
    });
    const covered = new CoveredVersions();
    const joined = Promise.withResolvers<void>();
    const end = (why: Error) => {
      joined.reject(why);
      covered.end(why);
    };
    ended.then(() => end(new Error('the bare loop ended')), end);
    let conflicts = 0;
    createInterface({ input: child.stdout }).on('line', (text) => {
      const line: BareLine = JSON.parse(text);
      if ('joined' in line) return joined.resolve();
      conflicts = line.conflicts;
      covered.note(line.table, line.version, line.ms);
    });
    await joined.promise;
    return {
      pid: child.pid ?? 0,
      coveredAt: (table, version) => covered.at(table, version),
      conflicts: async () => conflicts,
    };
  },
};
