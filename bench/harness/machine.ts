/** What the figures were measured on, and with. */
import { execFileSync } from 'node:child_process';
import { statfsSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, tmpdir, totalmem } from 'node:os';
import { VERSION, versionOf } from '../../src/lib/version.ts';

/** Above it the machine was not quiet. */
export const QUIET_LOAD = 0.5;

export type Machine = {
  readonly processor: string;
  readonly cores: number;
  readonly memory_gib: number;
  readonly kernel: string;
  /** Of the folder for temporary files, where all tables lie. */
  readonly file_system: string;
  /** Of the last minute before the run. */
  readonly load: number;
};

const MAGIC: Readonly<Record<number, string>> = {
  61267: 'ext4',
  16914836: 'tmpfs',
  2435016766: 'btrfs',
  1481003842: 'xfs',
  2035054128: 'overlayfs',
  801189825: 'zfs',
};

export function describeMachine(): Machine {
  const { type } = statfsSync(tmpdir());
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory_gib: Math.round(totalmem() / 2 ** 30),
    kernel: `${process.platform} ${release()}`,
    file_system: MAGIC[type] ?? `type ${type.toString(16)}`,
    load: Number((loadavg()[0] ?? 0).toFixed(2)),
  };
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
