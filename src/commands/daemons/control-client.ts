/** Asks the control listener of a daemon. */
import type { Config } from '../../config/schema.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { ERRORS, SegmentdError } from '../../lib/errors.ts';
import { tokenOf } from '../../lib/operators-token.ts';
import { HINTS, nameOf, unreachable } from './daemon-address.ts';
import type { DaemonAnswer, DaemonListener } from './daemon-request.ts';
import { requestDaemon } from './daemon-request.ts';

export type ControlListener = DaemonListener & { readonly token: string };

/** Hosts that stand for all addresses of a machine, of which this machine has one. */
const ANY_HOST: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The listener that a configuration switches on, or undefined. Errors: config_invalid for a token that cannot be read. */
export function configuredListener({ admin }: Pick<Config, 'admin'>): ControlListener | undefined {
  const token = tokenOf(admin.token, admin.token_file);
  if (token === undefined) return undefined;
  const { socket, cert_file: certFile } = admin;
  if (socket !== undefined) return { url: 'http://localhost', socket, token };
  if (admin.port === 0) return undefined;
  const scheme = certFile === undefined ? 'http' : 'https';
  return { url: urlOf(scheme, admin), certFile, token };
}

/** Where this machine reaches a listener with that host and port. */
export function urlOf(scheme: 'http' | 'https', { host: given, port }: { host: string; port: number }): string {
  const host = ANY_HOST.has(given) ? '127.0.0.1' : given;
  return `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/** `missing`: what to do when there is no such table. */
type Posted = { readonly timeoutMs: number; readonly force?: boolean | undefined; readonly missing: string };

/**
 * Posts a command for `<database>/<table>` and returns the status of the table. Errors: what the daemon says, and daemon_unavailable when
 * nothing answers there, or what answers is no control listener of a daemon.
 */
export async function postCommand(
  listener: ControlListener,
  table: string,
  command: string,
  { timeoutMs, force = false, missing }: Posted,
): Promise<Record<string, unknown>> {
  const [database = '', name = ''] = table.split('/');
  const path = ['/v1/tables', encodeURIComponent(database), encodeURIComponent(name), command].join('/');
  const answer = await ask(listener, `${path}${force ? '?force=true' : ''}`, timeoutMs);
  const body = jsonOf(answer.body);
  if (answer.status === 200 && typeof body?.table === 'string') return body;
  throw refused(listener, answer, missing);
}

/** What the daemon says, with what to do here: its hints are for those who speak HTTP. */
function refused(listener: ControlListener, { status, body }: DaemonAnswer, missing: string): SegmentdError {
  const { code, error } = jsonOf(body) ?? {};
  const isKnown = typeof code === 'string' && Object.hasOwn(ERRORS, code);
  if (!isKnown || code === 'http_not_found') {
    const message = `${nameOf(listener)} is no control listener: it answers with HTTP status ${status}`;
    return new SegmentdError('daemon_unavailable', message, { hint: HINTS.control });
  }
  const hints: Partial<Record<ErrorCode, string>> = { http_unauthorized: HINTS.token, event_table_not_found: missing };
  return new SegmentdError(code as ErrorCode, String(error), { hint: hints[code as ErrorCode] });
}

async function ask(listener: ControlListener, path: string, timeoutMs: number): Promise<DaemonAnswer> {
  try {
    return await requestDaemon(listener, path, { method: 'POST', timeoutMs });
  } catch (error) {
    throw unreachable(listener, error, 'control');
  }
}

/** Undefined for what is no JSON object. */
function jsonOf(body: string): Record<string, unknown> | undefined {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
