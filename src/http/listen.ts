/** Where a listener listens: at a port, or at a Unix socket. */
import { once } from 'node:events';
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import type { Server } from 'node:http';
import { connect } from 'node:net';
import { errnoOf, messageOf, SegmentdError } from '../lib/errors.ts';

export type Address = {
  readonly host: string;
  /** 0 takes a free port. */
  readonly port: number;
  /** Listens there instead. */
  readonly socket?: { readonly path: string; readonly access: 'owner' | 'group' } | undefined;
  /** The section of the configuration that these are from, for the error. */
  readonly section: string;
};

type Listening = {
  readonly port: number;
  /** Stops to listen; resolves when all connections are closed. */
  stop(): Promise<void>;
};

/** Who may connect is who may write. */
const MODES = { owner: 0o600, group: 0o660 } as const;

/** Errors: config_invalid when it cannot. */
export async function listenOn(server: Server, address: Address): Promise<Listening> {
  const { host, port, socket, section } = address;
  try {
    if (socket) await listenAtSocket(server, socket);
    else {
      server.listen({ host, port });
      await once(server, 'listening');
    }
  } catch (error) {
    const where = socket ? `${section}.socket ${socket.path}` : `${section}.host ${host}, ${section}.port ${port}`;
    const message = `cannot listen on ${where}: ${errnoOf(error) ?? messageOf(error)}`;
    throw new SegmentdError('config_invalid', message, { cause: error });
  }
  const bound = server.address();
  return {
    port: typeof bound === 'object' && bound !== null ? bound.port : 0,
    async stop() {
      const done = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await done;
    },
  };
}

/** A socket that a process left behind which was killed is in the way, and nobody answers at it. */
async function listenAtSocket(server: Server, { path, access }: NonNullable<Address['socket']>): Promise<void> {
  const open = async () => {
    server.listen({ path });
    await once(server, 'listening');
  };
  try {
    await open();
  } catch (error) {
    if (errnoOf(error) !== 'EADDRINUSE' || (await isAnswered(path))) throw error;
    unlinkSync(path);
    await open();
  }
  chmodSync(path, MODES[access]);
}

/** Whether a process listens there. What is no socket counts as if one did: it is not ours to delete. */
async function isAnswered(path: string): Promise<boolean> {
  if (!lstatSync(path).isSocket()) return true;
  const client = connect({ path });
  try {
    await once(client, 'connect');
    return true;
  } catch (error) {
    return errnoOf(error) !== 'ECONNREFUSED';
  } finally {
    client.destroy();
  }
}
