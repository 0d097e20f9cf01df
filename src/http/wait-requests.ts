/**
 * `GET /v1/tables/<db>/<table>/wait?version=N&timeout=30s`: the answer comes when the version is covered, or the time is over.
 * Both are answers, with status 200: a proxy or client that takes 408 or 504 for a failure would retry.
 */
import type { ServerResponse } from 'node:http';
import { durationMs } from '../lib/duration.ts';
import { SegmentdError } from '../lib/errors.ts';

export type WaitQuery = { readonly version: number; readonly timeoutMs: number };

const TIMEOUT_MS = 30_000;
/** Proxies tend to time out sooner. */
const MAX_TIMEOUT_MS = 300_000;
/** Each looks at its table twenty times a second, which is some microseconds; together they stay below a tenth of a core. */
const MAX_WAITS = 256;

const invalid = (message: string) => new SegmentdError('wait_invalid', message);

/** Errors: wait_invalid. */
export function readWaitQuery(query: URLSearchParams): WaitQuery {
  for (const name of new Set(query.keys())) {
    if (name !== 'version' && name !== 'timeout') throw invalid(`unknown parameter ${name}`);
    if (query.getAll(name).length > 1) throw invalid(`${name} is given twice`);
  }
  const version = query.get('version') ?? '';
  if (!/^[1-9]\d{0,14}$/.test(version)) throw invalid('version is not a whole number of at least 1');
  const timeout = query.get('timeout');
  const timeoutMs = timeout === null ? TIMEOUT_MS : durationMs(timeout);
  if (timeoutMs === null) throw invalid('timeout is not a number with its unit: ms, s, m, h or d');
  if (timeoutMs > MAX_TIMEOUT_MS) throw invalid(`timeout is more than ${MAX_TIMEOUT_MS / 1000}s`);
  return { version: Number(version), timeoutMs };
}

/** The waits that are under way: only so many, and none outlives its connection, which a closing server ends as well. */
export class Waits {
  private active = 0;

  /** Runs a wait for a request. Errors: too_many_waits, and those of the wait. */
  async run(response: ServerResponse, wait: (signal: AbortSignal) => Promise<object>): Promise<object> {
    if (this.active >= MAX_WAITS) throw new SegmentdError('too_many_waits', `${MAX_WAITS} waits are under way`);
    const left = new AbortController();
    const leave = () => left.abort();
    response.once('close', leave);
    this.active += 1;
    try {
      return await wait(left.signal);
    } finally {
      this.active -= 1;
      response.off('close', leave);
    }
  }
}
