/** `--daemon`, `--token-file` and `--ca-file`: which daemon is meant, and how it is reached. */
import { accessSync, constants } from 'node:fs';
import { resolve } from 'node:path';
import { errnoOf, messageOf, SegmentdError } from '../../lib/errors.ts';
import { tokenOf } from '../../lib/operators-token.ts';
import type { Io } from '../terminal/io.ts';
import type { DaemonListener } from './daemon-request.ts';

export type DaemonOptions = { readonly daemon?: string; readonly tokenFile?: string; readonly caFile?: string };

/** What a request over a Unix socket names as its host, which nothing looks at. */
const SOCKET_URL = 'http://localhost';

const UNIX = /^unix:(?:\/\/(?=\/))?(.+)$/s;

/** A listener at `http://`, `https://` or `unix:<path>`, which a daemon itself gives as its address. Errors: usage. */
export function daemonAt(address: string, cwd: string): DaemonListener {
  const [, path] = UNIX.exec(address) ?? [];
  if (path !== undefined) return { url: SOCKET_URL, socket: resolve(cwd, path) };
  if (URL.canParse(address) && /^https?:\/\//i.test(address)) return { url: address };
  throw new SegmentdError('usage', '--daemon is written http://<host>:<port>, https://<host>:<port> or unix:<path>');
}

/** The token that was given, or undefined. Errors: config_invalid when its file cannot be read, and for one that no request could carry. */
export const givenToken = ({ cwd, env }: Pick<Io, 'cwd' | 'env'>, { tokenFile }: DaemonOptions): string | undefined =>
  tokenFile === undefined
    ? tokenOf(env.SEGMENTD_ADMIN_TOKEN || undefined, undefined)
    : tokenOf(undefined, resolve(cwd, tokenFile));

/** The file of `--ca-file`, or undefined. Errors: usage when it cannot be read. */
export function givenCa({ cwd }: Pick<Io, 'cwd'>, { caFile }: DaemonOptions): string | undefined {
  if (caFile === undefined) return undefined;
  const file = resolve(cwd, caFile);
  try {
    accessSync(file, constants.R_OK);
  } catch (error) {
    throw new SegmentdError('usage', `--ca-file: cannot read ${file}: ${errnoOf(error) ?? messageOf(error)}`);
  }
  return file;
}

/** Where a listener is, for messages. */
export const nameOf = ({ url, socket }: DaemonListener): string => (socket ? `unix:${socket}` : new URL(url).origin);

/** What Node says of a certificate that nobody it trusts has signed. */
const UNTRUSTED: ReadonlySet<string> = new Set([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);

const TRUST =
  'Its certificate is not trusted here: name it, or that of its authority, with --ca-file or in NODE_EXTRA_CA_CERTS.';
const OTHER_NAME =
  'Its certificate is for another host: ask under a name that it has, or name the certificate itself with --ca-file.';

export const HINTS = {
  status: 'Is it running? Give the address of its status with --daemon: http.host and http.port, or those of admin.',
  control:
    'Is it running? Give the address of its control listener with --daemon: admin.host and admin.port, or unix:<path> for admin.socket.',
  token: 'Give the token of admin.token of that daemon: in a file with --token-file, or in SEGMENTD_ADMIN_TOKEN.',
} as const;

/** For a request that got no answer: `wanted` is what was asked. */
export function unreachable(listener: DaemonListener, error: unknown, wanted: 'status' | 'control'): SegmentdError {
  const errno = errnoOf(error) ?? '';
  const trust = UNTRUSTED.has(errno) ? TRUST : undefined;
  const hint = trust ?? (errno === 'ERR_TLS_CERT_ALTNAME_INVALID' ? OTHER_NAME : HINTS[wanted]);
  const isLate = error instanceof Error && error.name === 'AbortError';
  const why = isLate ? 'the time is over' : messageOf(error);
  const message = `${nameOf(listener)} ${wanted === 'status' ? 'gave no status' : 'does not answer'}: ${why}`;
  return new SegmentdError('daemon_unavailable', message, { cause: error, hint });
}
