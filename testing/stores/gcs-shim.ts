/** What fake-gcs-server lacks of the XML API through which Lance writes to Google Cloud Storage. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Forwarder, WholeRequest, WholeResponse } from './forward.ts';
import { answer, bodyOf, forwarder, header, withHeaders } from './forward.ts';

export type GcsShim = {
  /** `http://127.0.0.1:PORT`: where clients go instead of to the emulator. */
  readonly url: string;
  stop(): Promise<void>;
};

/**
 * Starts a server in front of fake-gcs-server, which refuses `PUT /bucket/name`: the shim uploads the object through the JSON API, under
 * the same condition, and answers as the XML API does. All else goes on as it is.
 */
export async function startGcsShim(upstream: string): Promise<GcsShim> {
  const emulator = forwarder(upstream);
  const host = new URL(upstream).host;
  const serve = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const { method = '', url = '/', rawHeaders } = incoming;
    // The emulator takes another host for the name of a bucket.
    const request = {
      method,
      target: url,
      rawHeaders: withHeaders(rawHeaders, { host }),
      body: await bodyOf(incoming),
    };
    const response = isXmlPut(request) ? await upload(emulator, request) : await emulator.forward(request);
    await answer(outgoing, request, withOrigin(response, incoming.headers.host ?? host));
  };
  const server = createServer((incoming, outgoing) => {
    serve(incoming, outgoing).catch(() => incoming.socket.resetAndDestroy());
  });
  server.keepAliveTimeout = 0;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async stop() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
      emulator.close();
    },
  };
}

/** `/bucket/name`, and none of the paths of the JSON API. */
const XML_OBJECT = /^\/(?!storage\/|upload\/|download\/|batch\/|_internal\/)([^/?]+)\/([^?]+)$/;

const isXmlPut = ({ method, target }: WholeRequest): boolean => method === 'PUT' && XML_OBJECT.test(target);

async function upload(emulator: Forwarder, request: WholeRequest): Promise<WholeResponse> {
  const [, bucket = '', name = ''] = XML_OBJECT.exec(request.target) ?? [];
  const query = new URLSearchParams({ uploadType: 'media', name: decodeURIComponent(name) });
  const generation = header(request.rawHeaders, 'x-goog-if-generation-match');
  if (generation !== undefined) query.set('ifGenerationMatch', generation);
  const target = `/upload/storage/v1/b/${bucket}/o?${query}`;
  const response = await emulator.forward({ ...request, method: 'POST', target });
  if (response.status !== 200) return response;
  const { etag, generation: created } = JSON.parse(response.body.toString()) as { etag: string; generation: string };
  return { status: 200, rawHeaders: ['ETag', `"${etag}"`, 'x-goog-generation', created], body: Buffer.alloc(0) };
}

/** Sends a client that is told to go on elsewhere (a resumable upload) the way that it came. */
function withOrigin(response: WholeResponse, host: string): WholeResponse {
  const location = header(response.rawHeaders, 'location');
  if (location === undefined) return response;
  const { pathname, search } = new URL(location);
  return {
    ...response,
    rawHeaders: withHeaders(response.rawHeaders, { location: `http://${host}${pathname}${search}` }),
  };
}
