/** The token of operators, and how their listener is reached. */
import { hostname } from 'node:os';
import type { Config } from '../config/schema.ts';
import type { TlsFiles } from '../http/tls-files.ts';
import { lastGood } from '../lib/last-good.ts';
import { tokenOf } from '../lib/operators-token.ts';
import type { ComponentLog } from './component-logs.ts';

/** Returns the token at each call, since it may be rotated; undefined when none is configured. Errors: config_invalid. */
export function operatorToken(config: Pick<Config, 'admin'>, log: ComponentLog): (() => string) | undefined {
  const read = () => tokenOf(config.admin.token, config.admin.token_file);
  const first = read();
  if (first === undefined) return undefined;
  return lastGood(
    () => read() ?? first,
    (error) => log('warn', 'admin.token_file cannot be used; the token that it had stays in force', { error }),
  );
}

/** Where the listener for operators listens, and with which certificate. */
export function operatorAddress(
  { host, port, socket, socket_access: access, ...files }: Config['admin'],
  log: ComponentLog,
) {
  const { cert_file: certFile, key_file: keyFile } = files;
  const told: Pick<TlsFiles, 'failed' | 'renewed'> = {
    failed: (error) =>
      log('warn', 'admin.cert_file and admin.key_file cannot be used; those that they held last stay in force', {
        error,
      }),
    renewed: (validTo) =>
      log('info', 'the renewed admin.cert_file and admin.key_file are in force for new connections', {
        valid_to: validTo.toISOString(),
      }),
  };
  return {
    host,
    port,
    socket: socket === undefined ? undefined : { path: socket, access },
    tls: certFile === undefined || keyFile === undefined ? undefined : { certFile, keyFile, ...told },
  };
}

/** The URL that others use, or `unix:` and the path of a socket. `port`: the one that it got. */
export function operatorUrl({ host, socket, cert_file: cert }: Config['admin'], port: number): string {
  if (socket !== undefined) return `unix:${socket}`;
  // Nothing connects to the address that stands for all: others reach this machine by its name.
  const name = host === '0.0.0.0' || host === '::' ? hostname() : host;
  return `${cert === undefined ? 'http' : 'https'}://${name.includes(':') ? `[${name}]` : name}:${port}`;
}
