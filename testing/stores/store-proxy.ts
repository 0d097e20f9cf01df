/** A proxy in front of an object store: it logs, delays and breaks requests. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { WholeResponse } from './forward.ts';
import { answer, bodyOf, forwarder } from './forward.ts';

const NOT_YET = Number.POSITIVE_INFINITY;

/** A request of a client. It stands in the log from its beginning; what is not known yet is 0, and `endMs` Infinity. */
export type LoggedRequest = {
  readonly method: string;
  /** Decoded: some clients send `/` and `.` as they are, others not. */
  readonly path: string;
  /** What follows the question mark, decoded for reading; empty without one. */
  readonly query: string;
  readonly headers: NodeJS.Dict<string | string[]>;
  /** The Range header. */
  readonly range?: string;
  /** Bytes that the client sent as the body. */
  readonly bodyBytes: number;
  /** Bytes of the body that the client was sent. */
  readonly responseBytes: number;
  /** What the client was answered; 0 when it got no answer. */
  readonly status: number;
  /** When its headers were there, as performance.now() tells it. */
  readonly startMs: number;
  /** When the answer was about to go out, or the connection had broken. */
  readonly endMs: number;
};

/**
 * What happens to a request instead of its answer:
 * - `reset-before`: the connection is reset, and the store sees nothing of it.
 * - `reset-after`: the store has done it; the connection is reset before a byte of the answer.
 * - `hang`: nothing, until the client gives up; the store sees nothing of it.
 * - a status: this answer, with an S3 error `code` in an XML body (which Azure wants in a header: it is there as well); `after` the
 *   store has done it, else the store sees nothing of it.
 */
export type Fault =
  | 'reset-before'
  | 'reset-after'
  | 'hang'
  | { readonly status: number; readonly code?: string; readonly after?: boolean };

export type FaultRule = {
  /** Asked once the body is there. */
  readonly match: (request: LoggedRequest) => boolean;
  readonly fault: Fault;
  /** After so many requests the rule is spent; default: never. */
  readonly times?: number;
};

export type StoreProxy = {
  /** `http://127.0.0.1:PORT`: the endpoint for clients. */
  readonly url: string;
  /** In the order in which they began. */
  readonly requests: readonly LoggedRequest[];
  /** Forgets the log; what is under way is not logged either. */
  clear(): void;
  /** Sequential rounds of these requests, or of all that are logged; see countRounds. */
  rounds(requests?: readonly LoggedRequest[]): number;
  /** Added to each request before the store sees it; may be set at any time. */
  delayMs: number;
  /** Breaks requests from now on; of several rules that match, the oldest counts. Returns how to take it back. */
  inject(rule: FaultRule): () => void;
  /** Breaks all connections. The store goes on. */
  stop(): Promise<void>;
};

/**
 * How many requests had to wait for one another: a request belongs to a round when it began before the first end in that round, and else
 * begins the next round. One after the other are as many rounds as requests, all at once are one.
 */
export function countRounds(requests: readonly LoggedRequest[]): number {
  let rounds = 0;
  let firstEnd = Number.NEGATIVE_INFINITY;
  for (const { startMs, endMs } of requests.toSorted((a, b) => a.startMs - b.startMs)) {
    if (startMs < firstEnd) {
      firstEnd = Math.min(firstEnd, endMs);
      continue;
    }
    rounds++;
    firstEnd = endMs;
  }
  return rounds;
}

/**
 * Starts a proxy in front of `upstream`, the endpoint of a store. Clients are given its `url` as their endpoint, and sign for it:
 *
 *     const proxy = await startStoreProxy(s3.endpoint, { delayMs: 20 });
 *     onTestFinished(() => proxy.stop());
 *     const connection = await connect('s3://lake/db', { storageOptions: s3.storageOptionsAt(proxy.url) });
 *     proxy.inject({ match: ({ method, path }) => method === 'PUT' && path.endsWith('.manifest'), fault: 'reset-after', times: 1 });
 *
 * An upstream that cannot be reached, or breaks off, looks like `reset-before`.
 */
export async function startStoreProxy(upstream: string, { delayMs = 0 } = {}): Promise<StoreProxy> {
  const store = forwarder(upstream);
  let requests: Entry[] = [];
  const rules: { readonly rule: FaultRule; left: number }[] = [];

  const faultFor = (request: LoggedRequest): Fault | undefined => {
    const found = rules.find(({ rule, left }) => left > 0 && rule.match(request));
    if (found) found.left--;
    return found?.rule.fault;
  };

  const serve = async (entry: Entry, incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const body = await bodyOf(incoming);
    entry.bodyBytes = body.length;
    const request = { method: entry.method, target: incoming.url ?? '/', rawHeaders: incoming.rawHeaders, body };
    const fault = faultFor(entry);
    if (proxy.delayMs > 0) await sleep(proxy.delayMs);
    const response = await outcome(fault, () => store.forward(request));
    if (response === 'hang') return;
    if (response === 'reset') return reset(incoming);
    entry.status = response.status;
    entry.responseBytes = request.method === 'HEAD' ? 0 : response.body.length;
    // Before the client can have it: what it asks next begins after this.
    entry.endMs = performance.now();
    await answer(outgoing, request, response);
  };

  const server = createServer((incoming, outgoing) => {
    const entry = entryOf(incoming);
    requests.push(entry);
    outgoing.once('close', () => {
      if (entry.endMs === NOT_YET) entry.endMs = performance.now();
    });
    serve(entry, incoming, outgoing).catch(() => reset(incoming));
  });
  // Connections end when clients end them, or by a fault: never by themselves.
  server.keepAliveTimeout = 0;
  server.requestTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));

  const proxy: StoreProxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get requests() {
      return requests;
    },
    clear() {
      requests = [];
    },
    rounds: (some = requests) => countRounds(some),
    delayMs,
    inject(rule) {
      const entry = { rule, left: rule.times ?? Number.POSITIVE_INFINITY };
      rules.push(entry);
      return () => {
        entry.left = 0;
      };
    },
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      store.close();
    },
  };
  return proxy;
}

type Entry = { -readonly [K in keyof LoggedRequest]: LoggedRequest[K] };

function entryOf({ method = '', url = '/', headers }: IncomingMessage): Entry {
  const [path = '', ...query] = url.split('?').map(decoded);
  const range = headers.range === undefined ? {} : { range: headers.range };
  const unknown = { bodyBytes: 0, responseBytes: 0, status: 0, endMs: NOT_YET };
  return { method, path, query: query.join('?'), headers, ...range, ...unknown, startMs: performance.now() };
}

/** The text as it is, where it is not properly encoded. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

const reset = (incoming: IncomingMessage): void => {
  incoming.socket.resetAndDestroy();
};

/** What becomes of a request: the answer to give, or how to give none. */
async function outcome(
  fault: Fault | undefined,
  forward: () => Promise<WholeResponse>,
): Promise<WholeResponse | 'reset' | 'hang'> {
  if (fault === undefined) return forward();
  if (fault === 'hang') return 'hang';
  if (fault === 'reset-before') return 'reset';
  if (fault === 'reset-after') {
    await forward();
    return 'reset';
  }
  if (fault.after) await forward();
  return errorResponse(fault.status, fault.code);
}

function errorResponse(status: number, code: string | undefined): WholeResponse {
  if (code === undefined) return { status, rawHeaders: [], body: Buffer.alloc(0) };
  const xml = `<?xml version="1.0" encoding="UTF-8"?><Error><Code>${code}</Code><Message>injected</Message></Error>`;
  return {
    status,
    rawHeaders: ['Content-Type', 'application/xml', 'x-ms-error-code', code],
    body: Buffer.from(xml),
  };
}
