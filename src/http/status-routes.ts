/** `/status`, `/status/events` and `/status/tables/<db>/<table>`, which both listeners have. */
import { SegmentdError } from '../lib/errors.ts';
import type { Answer } from './answer.ts';
import { json, refusal } from './answer.ts';
import type { Request } from './listener.ts';
import type { Timed } from './status-events.ts';
import { StatusEvents } from './status-events.ts';

export type StatusSource = {
  status(): Timed;
  /** Null for a table that this member does not know. */
  detail(table: string): object | null;
};

/** The answer to a GET of this path; undefined for a path of others. */
export type StatusRoutes = (path: string, request: Pick<Request, 'method'>) => Answer | undefined;

const DETAIL = /^\/status\/tables\/([^/]+)\/([^/]+)$/;

/** One for all listeners of a process: what is written once goes to all that listen. */
export function statusRoutes({ status, detail }: StatusSource): StatusRoutes {
  const events = new StatusEvents(status);
  return (path, { method }) => {
    if (path === '/status') return json(200, status());
    if (path === '/status/events') return eventStream(events, method);
    const [, database, table] = DETAIL.exec(path) ?? [];
    if (database === undefined || table === undefined) return undefined;
    return tableDetail(detail, database, table);
  };
}

function eventStream(events: StatusEvents, method: string): Answer {
  const type = 'text/event-stream';
  if (method === 'HEAD') return { status: 200, type, body: '' };
  try {
    events.admit();
  } catch (error) {
    if (error instanceof SegmentdError) return refusal(error);
    throw error;
  }
  // Buffering proxies would hold the events back.
  return { status: 200, type, headers: { 'x-accel-buffering': 'no' }, body: (response) => events.send(response) };
}

function tableDetail(detail: StatusSource['detail'], database: string, table: string): Answer {
  const address = addressOf(database, table);
  const found = address === null ? null : detail(address);
  if (found) return json(200, found);
  return refusal(new SegmentdError('table_not_known', 'this member knows no such table'));
}

/** Null for what is no URI component. */
function addressOf(database: string, table: string): string | null {
  try {
    return `${decodeURIComponent(database)}/${decodeURIComponent(table)}`;
  } catch (error) {
    if (error instanceof URIError) return null;
    throw error;
  }
}
