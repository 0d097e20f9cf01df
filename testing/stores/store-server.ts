/** What the object stores of the tests have in common. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ServerProcess } from '../child-server.ts';
import { onFreePorts } from '../free-ports.ts';

/** Ends a server and starts it again. It dies with this process, however that ends. */
export type Lifecycle = {
  /** Of the process that runs now; 0 when none does. */
  pid(): number;
  /** Ends it for good and removes what it stored, unless that lies in a folder of the caller's. */
  stop(): Promise<void>;
  /** SIGKILL, as a crash. */
  kill(): Promise<void>;
  /** Starts it again on the same port, stopping it first if it runs. What a memory held is gone. */
  restart(): Promise<void>;
};

export type StoreServer = Lifecycle & {
  /** `http://127.0.0.1:PORT`, which is also where a store proxy forwards to. */
  readonly endpoint: string;
  /** As LanceDB names them: for `connect(uri, { storageOptions })` and for `storage_options` of a database. */
  readonly storageOptions: Record<string, string>;
  /** The same through a store proxy that listens at `endpoint`. */
  storageOptionsAt(endpoint: string): Record<string, string>;
};

/** Runs a server; `run` is given a port and a folder of the server's own, and called again after a crash and for another port. */
export async function startStore(
  name: string,
  run: (port: number, folder: string) => Promise<ServerProcess>,
): Promise<{ port: number; lifecycle: Lifecycle }> {
  const folder = await mkdtemp(join(tmpdir(), `segmentd-${name}-`));
  const remove = () => rm(folder, { recursive: true, force: true });
  try {
    const [port, server] = await onFreePorts(async ([port]) => [port, await run(port, folder)] as const);
    return { port, lifecycle: lifecycleOf(server, () => run(port, folder), remove) };
  } catch (error) {
    await remove();
    throw error;
  }
}

function lifecycleOf(
  first: ServerProcess,
  again: () => Promise<ServerProcess>,
  remove: () => Promise<void>,
): Lifecycle {
  let server: ServerProcess | undefined = first;
  const halt = async (how: 'stop' | 'kill'): Promise<void> => {
    const running = server;
    server = undefined;
    await running?.[how]();
  };
  return {
    pid: () => server?.pid ?? 0,
    async stop() {
      await halt('stop');
      await remove();
    },
    kill: () => halt('kill'),
    async restart() {
      await halt('stop');
      server = await again();
    },
  };
}
