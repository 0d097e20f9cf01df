/** What a listener answers, and with which headers. */
import type { ServerResponse } from 'node:http';
import type { ErrorCode } from '../lib/errors.ts';
import { SegmentdError } from '../lib/errors.ts';

export type Answer = {
  readonly status: number;
  /** Media type of the body; default: plain text in UTF-8. */
  readonly type?: string;
  /** Beside those of every answer; names in lower case. */
  readonly headers?: Readonly<Record<string, string>>;
  /** The body, or what writes it for as long as the client listens. */
  readonly body: string | ((response: ServerResponse) => void);
};

/** Of every answer: what it holds is neither kept nor guessed at, and no page of others shows, frames or reads it. */
export const SECURITY_HEADERS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
} as const;

/** Plain text, as probes and browsers show it. */
export const text = (status: number, body: string): Answer => ({ status, body: `${body}\n` });

/** One JSON value. */
export const json = (status: number, value: object): Answer => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(value)}\n`,
});

/** The error as JSON. One that a retry would not change is the request's fault, or the table's. */
export function refusal({ code, retry, message, hint }: SegmentdError): Answer {
  const status = STATUS_OF[code] ?? (retry === 'never' ? 400 : 503);
  return { ...json(status, { code, error: message, hint }), headers: HEADERS_OF[code] ?? {} };
}

const STATUS_OF: Partial<Record<ErrorCode, number>> = {
  http_not_found: 404,
  http_unauthorized: 401,
  http_body_too_large: 413,
  http_host_unknown: 421,
  too_many_requests: 429,
  too_many_waits: 429,
  table_paused: 409,
  merging_off: 409,
  maintenance_off: 409,
  owner_elsewhere: 409,
  too_many_watchers: 429,
  event_table_not_found: 404,
  table_not_found: 404,
  table_not_known: 404,
  internal: 500,
};

const HEADERS_OF: Partial<Record<ErrorCode, Readonly<Record<string, string>>>> = {
  http_unauthorized: { 'www-authenticate': 'Bearer' },
  too_many_requests: { 'retry-after': '1' },
  // What is still to come is not read.
  http_body_too_large: { connection: 'close' },
};

/** There is no such path, or not with this method. */
export const notFound = ({ method, path }: { readonly method: string; readonly path: string }): Answer =>
  refusal(new SegmentdError('http_not_found', `there is no ${method} ${path.slice(0, SHOWN_CHARS)}`));

/** Of a path in an error. */
const SHOWN_CHARS = 200;
