/** Carries an HTTP request on to another server, whole. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Agent, request } from 'node:http';

/** A request as it came in, body and all. */
export type WholeRequest = {
  readonly method: string;
  /** Path with query, not decoded. */
  readonly target: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
};

export type WholeResponse = { readonly status: number; readonly rawHeaders: readonly string[]; readonly body: Buffer };

export type Forwarder = {
  /** Rejects when the upstream cannot be reached or breaks off. */
  forward(request: WholeRequest): Promise<WholeResponse>;
  close(): void;
};

/** Headers of one connection, which are not carried on. */
const OF_CONNECTION = new Set(['connection', 'keep-alive', 'transfer-encoding', 'expect', 'content-length']);

/** Forwards to `upstream`, an origin, over connections that are kept. */
export function forwarder(upstream: string): Forwarder {
  const { hostname, port } = new URL(upstream);
  const agent = new Agent({ keepAlive: true });
  const send = (given: WholeRequest): Promise<WholeResponse> =>
    new Promise((resolve, reject) => {
      const headers = carried(given.rawHeaders);
      if (hasBody(given)) headers.push('Content-Length', String(given.body.length));
      const outgoing = request({ hostname, port, agent, method: given.method, path: given.target, headers });
      outgoing.on('error', (error) => {
        // An upstream closes idle connections, this one just as it was used again. Of an upstream that died, the next try tells.
        if (outgoing.reusedSocket && 'code' in error && error.code === 'ECONNRESET') resolve(send(given));
        else reject(error);
      });
      outgoing.once('response', (incoming) => {
        bodyOf(incoming).then(
          (body) => resolve({ status: incoming.statusCode ?? 0, rawHeaders: incoming.rawHeaders, body }),
          reject,
        );
      });
      outgoing.end(given.body);
    });
  return { forward: send, close: () => agent.destroy() };
}

const hasBody = ({ rawHeaders, body }: WholeRequest): boolean =>
  body.length > 0 || header(rawHeaders, 'content-length') !== undefined;

/** The body of a message; rejects when it breaks off. */
export async function bodyOf(message: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

/** Answers with `response`; resolves when the client has it, or has gone. */
export function answer(to: ServerResponse, request: WholeRequest, response: WholeResponse): Promise<void> {
  const headers = carried(response.rawHeaders);
  // Of an object, where a body there is none: HEAD.
  const length = request.method === 'HEAD' ? header(response.rawHeaders, 'content-length') : response.body.length;
  if (length !== undefined && response.status !== 204 && response.status !== 304)
    headers.push('Content-Length', String(length));
  return new Promise((resolve) => {
    if (to.closed) return resolve();
    to.once('close', resolve);
    to.writeHead(response.status, headers);
    to.end(response.body);
  });
}

/** The value of a header, whose name is given in lower case. */
export function header(rawHeaders: readonly string[], name: string): string | undefined {
  const at = rawHeaders.findIndex((each, index) => index % 2 === 0 && each.toLowerCase() === name);
  return at < 0 ? undefined : rawHeaders[at + 1];
}

/** The headers with some of them set anew. */
export function withHeaders(rawHeaders: readonly string[], set: Readonly<Record<string, string>>): string[] {
  const kept = pairs(rawHeaders).filter(([name]) => set[name.toLowerCase()] === undefined);
  return [...kept.flat(), ...Object.entries(set).flat()];
}

const carried = (rawHeaders: readonly string[]): string[] =>
  pairs(rawHeaders)
    .filter(([name]) => !OF_CONNECTION.has(name.toLowerCase()))
    .flat();

function pairs(rawHeaders: readonly string[]): [string, string][] {
  const found: [string, string][] = [];
  for (let at = 0; at < rawHeaders.length; at += 2)
    found.push([rawHeaders[at] as string, rawHeaders[at + 1] as string]);
  return found;
}
