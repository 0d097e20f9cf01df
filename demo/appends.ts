/** The writer of the demo at work, and when what it appended was covered. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { screen } from '../testing/screen.ts';
import type { Database } from './place.ts';

const COVERED_WITHIN_MS = 60_000;

export type Appends = {
  readonly database: Database;
  /** Variables with which the writer gets into the database. */
  readonly env: Readonly<Record<string, string>>;
  readonly brokers: readonly string[];
  readonly topic: string;
  readonly table: string;
  /** Number of the first row. */
  readonly first: number;
  readonly batches: number;
  /** Of each batch. */
  readonly rows: number;
  readonly pauseMs: number;
};

type Announced = { readonly version: number; readonly announced_ms: number };
/** When which version was covered. */
export type CoveredAt = { readonly version: number; readonly ms: number };

/**
 * Runs the writer and shows each append as it gets covered; resolves with the milliseconds each took. `meanwhile` is called with each batch,
 * from 1, and the moment of its announcement, and is awaited.
 */
export async function appendAndWatch(
  { database, env, brokers, topic, table, first, batches, rows, pauseMs }: Appends,
  covered: readonly CoveredAt[],
  meanwhile: (batch: number, announcedMs: number) => Promise<void> = async () => undefined,
): Promise<number[]> {
  const script = fileURLToPath(new URL('writer.ts', import.meta.url));
  const args = [script, database.uri, brokers.join(','), topic, table, ...[first, batches, rows, pauseMs].map(String)];
  const writer = spawn(process.execPath, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(writer, 'exit');
  const took: number[] = [];
  for await (const line of createInterface({ input: writer.stdout })) {
    const { version, announced_ms: announcedMs } = JSON.parse(line) as Announced;
    const [done] = await Promise.all([untilCovered(covered, version), meanwhile(took.length + 1, announcedMs)]);
    took.push(done.ms - announcedMs);
    screen.covered(took.length, batches, version, done.ms - announcedMs);
  }
  await ended;
  if (writer.exitCode !== 0) throw new Error(`the writer ended with exit code ${writer.exitCode}`);
  return took;
}

export async function untilCovered(covered: readonly CoveredAt[], version: number): Promise<CoveredAt> {
  const deadline = Date.now() + COVERED_WITHIN_MS;
  for (;;) {
    const done = covered.find((it) => it.version >= version);
    if (done) return done;
    if (Date.now() > deadline) throw new Error(`version ${version} was not covered in time`);
    await sleep(2);
  }
}
