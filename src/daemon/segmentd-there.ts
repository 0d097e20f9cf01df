/** Asks what listens at an address whether it is a segmentd. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';

export type Listening = {
  readonly host: string;
  readonly port: number;
  /** Path of a Unix socket, instead of both. */
  readonly socket?: string | undefined;
  readonly isTls?: boolean;
};

/** Longer than a busy daemon takes, and short enough to wait for what does not answer. */
const TIMEOUT_MS = 2_000;
const LOCAL: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };
/** A path that one listener has and the other has not; neither answers it to a request without a token. */
const PATH = '/v1/tables';
const REFUSALS = new Set(['http_unauthorized', 'http_not_found', 'too_many_requests', 'http_host_unknown']);

/** Whether the refusal is one of segmentd. Sends nothing secret, so that the certificate does not matter. Never rejects. */
export async function isSegmentd({ host, port, socket, isTls = false }: Listening): Promise<boolean> {
  const where = socket === undefined ? { host: LOCAL[host] ?? host, port } : { socketPath: socket };
  const options = { ...where, path: PATH, agent: false, signal: AbortSignal.timeout(TIMEOUT_MS) };
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const request = isTls ? httpsRequest({ ...options, rejectUnauthorized: false }) : httpRequest(options);
  request.on('response', (response) => void text(response).then(resolve, reject));
  request.on('error', reject).end();
  return promise.then(isRefusal, () => false);
}

function isRefusal(body: string): boolean {
  try {
    const answer = JSON.parse(body) as { readonly code?: unknown } | null;
    return typeof answer?.code === 'string' && REFUSALS.has(answer.code);
  } catch {
    return false;
  }
}
