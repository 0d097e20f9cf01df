/**
 * segmentd at work as the peers are: in a process of its own that stays warm and does nothing else. The appends are made in another one, whose garbage
 * collector would run meanwhile, as it does not in a daemon.
 */
import { fileURLToPath } from 'node:url';
import { DAEMON_FLAGS } from '../../testing/shipped-program.ts';
import type { Bench } from '../harness/scenario.ts';
import type { Peer } from './line-process.ts';
import { lineProcess } from './line-process.ts';

/** With the flags of Node that a daemon has. It ends with the run. */
export function ownProcess({ home, cleanup }: Pick<Bench, 'home' | 'cleanup'>): Peer {
  const program = fileURLToPath(new URL('own-process.ts', import.meta.url));
  const args = [...DAEMON_FLAGS, program, home];
  return lineProcess({ name: 'segmentd', command: process.execPath, args }, cleanup);
}
