/** Runs a scenario to its end, and makes a document of what it measured. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Cleanup } from '../../src/lib/cleanup.ts';
import { screen } from '../../testing/screen.ts';
import { openPeers } from '../peers/peers.ts';
import { cleanUpOnInterrupt } from './interrupts.ts';
import type { Machine } from './machine.ts';
import { describeMachine, ownVersions } from './machine.ts';
import { figuresOf, interleave } from './rounds.ts';
import type { Bench, FigureTable, Scenario, Sizes } from './scenario.ts';
import { setSizes } from './scenario.ts';

/** What was measured, on what, and with what. All of it is data. */
export type Measured = {
  readonly scenario: string;
  readonly what: string;
  readonly quick: boolean;
  readonly started_at: string;
  readonly seconds: number;
  readonly sizes: Sizes;
  /** Those of them that were chosen with `--set`. */
  readonly set?: readonly string[];
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  /** What could not be measured, a sentence each. */
  readonly left_out: readonly string[];
  readonly tables: readonly FigureTable[];
};

/** Rejects with what the scenario rejects with; nothing of it is left then either. */
export async function runScenario(scenario: Scenario, sizes: Sizes, quick: boolean): Promise<Measured> {
  const startedAt = new Date();
  const machine = await describeMachine();
  const versions: Record<string, string> = ownVersions();
  const leftOut = new Set<string>();
  const tables = new Map<string, FigureTable>();
  const cleanup = new Cleanup();
  const interrupts = cleanUpOnInterrupt(cleanup);
  const leaveOut = (sentence: string) => {
    leftOut.add(sentence);
    screen.note(sentence);
  };
  try {
    const home = await mkdtemp(join(tmpdir(), 'segmentd-bench-'));
    cleanup.defer(() => rm(home, { recursive: true, force: true, maxRetries: 3 }));
    // The engine leaves folders behind, and so do processes that are ended.
    process.env.TMPDIR = home;
    const version = (name: string, installed: string) => {
      versions[name] = installed;
    };
    const bench: Bench = {
      ...{ home, cleanup, leaveOut, step: screen.step },
      peers: openPeers(cleanup, { leaveOut, version }),
      async measure(name, at, contest) {
        const head = scenario.tables[name];
        if (!head) throw new Error(`${scenario.name} has no table ${name}`);
        // Of a list of sizes that was set to be empty.
        if (contest.ways.length === 0) return new Map();
        const samples = await interleave(contest);
        const figures = figuresOf(samples, head);
        const before = tables.get(name)?.figures ?? [];
        tables.set(name, { name, ...head, figures: [...before, ...figures.map((it) => ({ at, ...it }))] });
        return samples;
      },
      async part(work) {
        const own = new Cleanup();
        cleanup.defer(() => own.run());
        await work({ ...bench, cleanup: own }).finally(() => own.run());
      },
    };
    await scenario.run(bench, sizes);
  } finally {
    await interrupts.over();
    await cleanup.run();
  }
  return {
    ...{ scenario: scenario.name, what: scenario.what, quick },
    started_at: startedAt.toISOString(),
    seconds: Math.round((Date.now() - startedAt.getTime()) / 1000),
    set: setSizes(scenario, quick, sizes),
    ...{ sizes, machine, versions, left_out: [...leftOut], tables: [...tables.values()] },
  };
}
