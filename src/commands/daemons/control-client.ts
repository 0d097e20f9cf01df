/** Asks the control listener of a daemon. */
import { resolve } from 'node:path';
import type { Config } from '../../config/schema.ts';
import type { ErrorCode } from '../../lib/errors.ts';
import { ERRORS, messageOf, SegmentdError } from '../../lib/errors.ts';
import { secretOf } from '../../lib/secret.ts';

export type ControlListener = { readonly url: string; readonly token: string };

/** Hosts that stand for all addresses of a machine, of which this machine has one. */
const ANY_HOST: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** The listener that a configuration switches on, or undefined. Errors: config_invalid for a token that cannot be read. */
export function configuredListener({ admin }: Pick<Config, 'admin'>): ControlListener | undefined {
  const token = secretOf(admin.token, admin.token_file);
  if (token === undefined || admin.port === 0) return undefined;
  const host = ANY_HOST.has(admin.host) ? '127.0.0.1' : admin.host;
  return { url: `http://${host.includes(':') ? `[${host}]` : host}:${admin.port}`, token };
}

/** The token in a file that was named on the command line, or undefined. Errors: config_invalid when it cannot be read. */
export const tokenIn = (file: string | undefined, cwd: string): string | undefined =>
  secretOf(undefined, file === undefined ? undefined : resolve(cwd, file));

/**
 * Posts a command for `<database>/<table>` and returns the status of the table. Errors: what the daemon says, and daemon_unavailable when
 * nothing answers there, or what answers is no daemon.
 */
export async function postCommand(
  { url, token }: ControlListener,
  table: string,
  command: string,
  { timeoutMs, force = false }: { readonly timeoutMs: number; readonly force?: boolean | undefined },
): Promise<Record<string, unknown>> {
  const [database = '', name = ''] = table.split('/');
  const path = ['/v1/tables', encodeURIComponent(database), encodeURIComponent(name), command].join('/');
  const answer = await ask(new URL(`${path}${force ? '?force=true' : ''}`, url), token, timeoutMs);
  const body = (await answer.json().catch(() => undefined)) as Record<string, unknown> | undefined;
  if (answer.ok && typeof body?.table === 'string') return body;
  const { code, error } = body ?? {};
  if (typeof code === 'string' && Object.hasOwn(ERRORS, code))
    throw new SegmentdError(code as ErrorCode, String(error));
  throw new SegmentdError(
    'daemon_unavailable',
    `${url} is no control listener: it answers with HTTP status ${answer.status}`,
  );
}

async function ask(url: URL, token: string, timeoutMs: number): Promise<Response> {
  try {
    const headers = { authorization: `Bearer ${token}` };
    return await fetch(url, { method: 'POST', headers, signal: AbortSignal.timeout(timeoutMs), redirect: 'error' });
  } catch (error) {
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    throw new SegmentdError('daemon_unavailable', `${url.origin} does not answer: ${messageOf(cause)}`, {
      cause: error,
    });
  }
}
