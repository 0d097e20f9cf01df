import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { createServer } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { openProducer } from '../../../src/kafka/producer.ts';

/** A broker that takes connections and says nothing. */
async function hungBroker(): Promise<string> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => sockets.add(socket.on('error', () => undefined))).listen(0, '127.0.0.1');
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  await once(server, 'listening');
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

// The client would try for as long as its own limits are, and who closes has waited for the deadline already.
test('a producer that a broker leaves hanging is closed at once', async () => {
  const producer = openProducer({
    ...{ clientId: 'test', brokers: [await hungBroker()] },
    ...{ connectionTimeoutMs: 600_000, requestTimeoutMs: 600_000, ssl: { enabled: false, rejectUnauthorized: true } },
  } as Parameters<typeof openProducer>[0]);
  const sent = producer.send('topic', [{ key: null, value: Buffer.of(1) }], { deadlineMs: 50 });
  await expect(sent).rejects.toMatchObject({
    ...{ code: 'broker_unavailable', message: expect.stringContaining('1 record was not acknowledged') },
  });
  await producer.close();
});
