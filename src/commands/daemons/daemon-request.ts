/** A request to a listener of a daemon: over TCP, TLS or a Unix socket. */
import { readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import type { RequestOptions } from 'node:https';
import { request as httpsRequest } from 'node:https';
import { text } from 'node:stream/consumers';
import { checkServerIdentity, getCACertificates } from 'node:tls';

export type DaemonListener = {
  /** Of a Unix socket, `http://localhost`. */
  readonly url: string;
  readonly token?: string | undefined;
  /** Path of the Unix socket that it listens on. */
  readonly socket?: string | undefined;
  /** PEM file of its certificate, which is trusted whatever its names are, or of authorities that are trusted. */
  readonly certFile?: string | undefined;
};

export type DaemonAnswer = { readonly status: number; readonly body: string };

type Asked = { readonly method: 'GET' | 'POST'; readonly timeoutMs: number };

/** Follows no redirect: the token is for the daemon alone. Rejects with Node's own error when nothing answers in time. */
export async function requestDaemon(
  { url, token, socket, certFile }: DaemonListener,
  path: string,
  { method, timeoutMs }: Asked,
): Promise<DaemonAnswer> {
  const target = new URL(path, url);
  const { promise, resolve, reject } = Promise.withResolvers<DaemonAnswer>();
  const options: RequestOptions = {
    method,
    agent: false,
    signal: AbortSignal.timeout(Math.ceil(timeoutMs)),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
    ...(socket === undefined ? {} : { socketPath: socket }),
    ...(certFile === undefined ? {} : trusting(readFileSync(certFile, 'utf8'))),
  };
  const send = target.protocol === 'https:' ? httpsRequest : httpRequest;
  const request = send(target, options, (response) => {
    text(response).then((body) => resolve({ status: response.statusCode ?? 0, body }), reject);
  });
  request.on('error', reject).end();
  return promise;
}

/** The certificate itself is enough; one of an authority has to name the host, as always. */
function trusting(own: string): RequestOptions {
  return {
    // With those of NODE_EXTRA_CA_CERTS.
    ca: [...getCACertificates('default'), own],
    checkServerIdentity: (host, peer) => {
      const pem = `-----BEGIN CERTIFICATE-----\n${peer.raw.toString('base64')}\n-----END CERTIFICATE-----`;
      const isOwn = plain(own).includes(plain(pem));
      return isOwn ? undefined : checkServerIdentity(host, peer);
    },
  };
}

const plain = (pem: string) => pem.replace(/\s+/g, '');
