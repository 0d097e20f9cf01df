import { createServer } from 'node:net';
import { PortTakenError } from './child-server.ts';

/** Below the ports that systems give to outgoing connections, so that none of these takes one before it is listened on. */
const FIRST_PORT = 10_000;
const LAST_PORT = 32_000;

/** How often other ports are tried before giving up. */
const PORT_ATTEMPTS = 5;

/** Two ports that are free right now, picked at random so that test processes side by side rarely meet. */
export async function freePorts(): Promise<[number, number]> {
  const ports: number[] = [];
  while (ports.length < 2) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT));
    if (!ports.includes(port) && (await isFree(port))) ports.push(port);
  }
  return [ports[0] as number, ports[1] as number];
}

/** Runs a server on free ports, and again on others as long as it throws PortTakenError. */
export async function onFreePorts<T>(run: (ports: readonly [number, number]) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await run(await freePorts());
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function isFree(port: number): Promise<boolean> {
  const server = createServer();
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
