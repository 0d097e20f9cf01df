import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import { configuredListener, postCommand } from '../../../../src/commands/daemons/control-client.ts';
import { notFound, refusal } from '../../../../src/http/answer.ts';
import { SegmentdError } from '../../../../src/lib/errors.ts';

/** A listener that gives one answer to everything. */
async function answering({ status, body }: { status: number; body: unknown }) {
  const server = createServer((_, response) => response.writeHead(status).end(body)).listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, token: 'secret' };
}

const MISSING = 'Check the name; --force pauses it.';
const pause = async (answer: { status: number; body: unknown }) =>
  postCommand(await answering(answer), 'lake/t', 'pause', { timeoutMs: 60_000, missing: MISSING });

test('what a daemon refuses is told with what to do on the command line', async () => {
  const hint = 'Check the name; ?force=true pauses a table that is yet to come.';
  const gone = refusal(new SegmentdError('event_table_not_found', 'there is no table lake/t', { hint }));
  await expect(pause(gone)).rejects.toMatchObject({ code: 'event_table_not_found', hint: MISSING });
  const stranger = refusal(new SegmentdError('http_unauthorized', 'a bearer token is required'));
  await expect(pause(stranger)).rejects.toMatchObject({
    ...{ code: 'http_unauthorized', exit: 77 },
    hint: expect.stringMatching(/--token-file.*SEGMENTD_ADMIN_TOKEN/),
  });
});

test('a listener for the status, or of something else, is no control listener', async () => {
  for (const answer of [
    notFound({ method: 'POST', path: '/v1/tables/lake/t/pause' }),
    { status: 200, body: '<html>' },
  ]) {
    await expect(pause(answer)).rejects.toMatchObject({
      ...{ code: 'daemon_unavailable', message: expect.stringContaining('is no control listener') },
      hint: expect.stringContaining('admin.host and admin.port'),
    });
  }
});

test('a configuration without a token has no control listener', () => {
  const admin = { host: '0.0.0.0', port: 9465 } as Parameters<typeof configuredListener>[0]['admin'];
  expect(configuredListener({ admin })).toBeUndefined();
  expect(configuredListener({ admin: { ...admin, token: 't' } })).toMatchObject({ url: 'http://127.0.0.1:9465' });
});
