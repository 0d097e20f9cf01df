/** What the figures were measured on, and with. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, release, tmpdir, totalmem } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { VERSION, versionOf } from '../../src/lib/version.ts';

/** Above it the machine was not quiet, in percent of its processors. */
export const QUIET_PERCENT = 5;

/** Long enough for what comes by once a second. */
const WATCHED_MS = 3_000;

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  /** Of the folder for temporary files, where all tables lie. */
  readonly file_system: string;
  /** Percent of the processors that was used right before the run, when nothing of it ran yet. */
  readonly busy_percent: number;
};

const MAGIC: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
};

export async function describeMachine(): Promise<Machine> {
  const { type } = statfsSync(tmpdir());
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    file_system: MAGIC[type] ?? `type ${type.toString(16)}`,
    busy_percent: await busyPercent(),
  };
}

/** Not the load of the last minute, which holds the scenario before this one. */
async function busyPercent(): Promise<number> {
  const times = () => {
    const all = cpus().map((cpu) => cpu.times);
    const idle = all.reduce((sum, it) => sum + it.idle, 0);
    return { idle, total: all.reduce((sum, it) => sum + it.user + it.nice + it.sys + it.irq + it.idle, 0) };
  };
  const before = times();
  await sleep(WATCHED_MS);
  const after = times();
  return Math.round(100 * (1 - (after.idle - before.idle) / (after.total - before.total)));
}

/** Of what is always there; peers add theirs. */
export const ownVersions = (): Record<string, string> => ({
  segmentd: `${VERSION} (${commit()})`,
  node: process.versions.node,
  '@lancedb/lancedb': versionOf('@lancedb/lancedb'),
  kafkajs: versionOf('kafkajs'),
});

function commit(): string {
  try {
    const git = (...args: string[]) => execFileSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' }).trim();
    const changed = git('status', '--porcelain', '--', '../../src') === '' ? '' : ', changed';
    return git('rev-parse', '--short', 'HEAD') + changed;
  } catch {
    return 'not in a clone';
  }
}
