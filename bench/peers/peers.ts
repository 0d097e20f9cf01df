/** Programs that do what segmentd does, installed below `SEGMENTD_CACHE_DIR` when they are first asked for, each in a process of its own. */
import { fileURLToPath } from 'node:url';
import type { Cleanup } from '../../src/lib/cleanup.ts';
import { PYLANCE_VERSIONS } from '../../testing/pylance.ts';
import { PYTHON, pythonPackage } from '../../testing/python-package.ts';
import type { Peer } from './line-process.ts';
import { lineProcess } from './line-process.ts';

/** The newest of each when the reference run was made. */
const PACKAGES = {
  pylance: { version: PYLANCE_VERSIONS.newest, works: 'import lance' },
  lancedb: { version: '0.40.0', works: 'import lancedb' },
  'daft-lance': { version: '0.6.0', works: 'import daft_lance', beside: ['daft==0.7.26'] },
} as const;

export type PeerName = keyof typeof PACKAGES;

export type Peers = {
  /** The same one each time. Undefined where it cannot be had, which is noted once with a sentence. */
  get(name: PeerName): Promise<Peer | undefined>;
};

export type PeerNotes = {
  /** A peer that cannot be had here, and why: a sentence. */
  leaveOut(sentence: string): void;
  /** The version of one that can. */
  version(name: string, version: string): void;
};

export function openPeers(cleanup: Cleanup, notes: PeerNotes): Peers {
  const known = new Map<PeerName, Promise<Peer | undefined>>();
  const open = async (name: PeerName) => {
    try {
      return await start(name, cleanup, notes);
    } catch (error) {
      const why = error instanceof Error ? (error.message.trim().split('\n').at(-1) ?? '') : String(error);
      notes.leaveOut(`${name} ${PACKAGES[name].version} cannot be had here (${PYTHON} with pip): ${why}.`);
      return undefined;
    }
  };
  return {
    get(name) {
      const peer = known.get(name) ?? open(name);
      known.set(name, peer);
      return peer;
    },
  };
}

async function start(name: PeerName, cleanup: Cleanup, notes: PeerNotes): Promise<Peer> {
  const { version, works, ...more } = PACKAGES[name];
  const packages = await pythonPackage(name, version, works, 'beside' in more ? more.beside : []);
  const args = ['-s', fileURLToPath(new URL('peer.py', import.meta.url))];
  const env = {
    PYTHONPATH: packages,
    PYTHONDONTWRITEBYTECODE: '1',
    LANCE_LOG: 'error',
    DAFT_PROGRESS_BAR: '0',
  };
  const peer = lineProcess({ name, command: PYTHON, args, env }, cleanup);
  const found = await peer.ask({ do: 'version', package: name });
  notes.version(name, String(found.version));
  notes.version('python', String(found.python));
  return peer;
}
