/** What a daemon makes of signals before it listens to them itself: loading its modules takes longer than to be signalled. */
import { constants } from 'node:os';

/** What of a process this needs. */
type Signalled = {
  readonly pid: number;
  on(event: string, listener: (name: string) => void): unknown;
  exit(code: number): void;
};

/**
 * Until somebody else listens to it: SIGHUP does nothing, since the configuration is still to be read, unless the process has a terminal, which sends it
 * when it closes; and SIGTERM and SIGINT end process 1 of a container, to which the kernel does not deliver what it has no listener for.
 */
export function heedEarly(target: Signalled, hasTerminal: boolean): void {
  const heeded = new Map<string, () => void>();
  if (!hasTerminal) heeded.set('SIGHUP', () => undefined);
  if (target.pid === 1) {
    for (const name of ['SIGTERM', 'SIGINT'] as const)
      heeded.set(name, () => target.exit(128 + constants.signals[name]));
  }
  for (const name of heeded.keys()) target.on(name, () => heeded.get(name)?.());
  target.on('newListener', (name) => void heeded.delete(name));
}
