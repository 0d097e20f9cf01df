/** What the drivers of all stores must do with an answer, whatever it is; the stores themselves are in the conformance suite. */
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import type { BlobDriver, FailureKind } from '../../../src/store/blob-driver.ts';
import { remoteStore } from '../../../src/store/remote-store.ts';
import type { AnsweringServer, CannedAnswer } from './answering-server.ts';
import { answeringServer } from './answering-server.ts';

export type DriverCase = {
  /** The driver of a bucket at this address, with SECRET for every secret. */
  open(url: string): BlobDriver;
  /** How the store words an error. */
  error(status: number, code: string): CannedAnswer;
};

export const SECRET = 'c2VjcmV0LXNlY3JldA==';
export const signal = new AbortController().signal;
const content = Buffer.from('x');

/** What an error means, when `call` ends in one. */
export async function failureKind(driver: BlobDriver, call: Promise<unknown>): Promise<FailureKind | 'ok'> {
  return call.then(
    () => 'ok' as const,
    (error: unknown) => driver.failureOf(error).kind,
  );
}

export function driverRules({ open, error }: DriverCase): void {
  const start = async (): Promise<{ server: AnsweringServer; driver: BlobDriver }> => {
    const server = await answeringServer();
    return { server, driver: open(server.url) };
  };

  describe('a creation is tried once', () => {
    test.each([
      [412, 'PreconditionFailed', 'taken'],
      [409, 'ConditionalRequestConflict', 'taken'],
      [403, 'AccessDenied', 'denied'],
      [401, 'Unauthorized', 'denied'],
      [503, 'SlowDown', 'throttled'],
      [429, 'TooManyRequests', 'throttled'],
      [500, 'InternalError', 'failed'],
      [400, 'BadRequest', 'failed'],
      [501, 'NotImplemented', 'unfit'],
    ] as const)('and %d %s means that it is %s', async (status, code, kind) => {
      const { server, driver } = await start();
      server.answer(error(status, code));
      expect(await failureKind(driver, driver.create('a', content, signal))).toBe(kind);
      expect(server.asked).toHaveLength(1);
    });

    test('and a connection that breaks off says nothing of the object', async () => {
      const { server, driver } = await start();
      server.answer('reset');
      expect(await failureKind(driver, driver.create('a', content, signal))).toBe('failed');
      expect(server.asked).toHaveLength(1);
    });

    test('and where nobody listens it has failed', async () => {
      const driver = open('http://127.0.0.1:1');
      const failure = await driver.create('a', content, signal).catch(driver.failureOf);
      expect(failure).toMatchObject({ kind: 'failed', message: expect.stringContaining('ECONNREFUSED') });
    });
  });

  test('a reading that fails once is tried again, whatever went before', async () => {
    const { server, driver } = await start();
    server.answer(error(400, 'BadRequest'));
    expect(await failureKind(driver, driver.put('a', content, signal))).toBe('failed');
    server.asked.length = 0;
    server.answer(error(503, 'SlowDown'), error(404, 'NoSuchKey'));
    expect(await failureKind(driver, driver.head('a', signal))).toBe('missing');
    expect(server.asked).toHaveLength(2);
  });

  test('no secret is in an error, nor in anything that hangs on it', async () => {
    const { server, driver } = await start();
    server.answer(error(403, 'AccessDenied'));
    const store = remoteStore(`${driver.kind}://bucket/lake/t.lance`, {
      kind: driver.kind,
      openBucket: () => driver,
      engineOptions: () => ({}),
      identity: server.url,
    });
    for (const call of [() => store.read('a'), () => store.list('a'), () => store.putIfAbsent('a', [content])]) {
      const thrown: unknown = await call().catch((it: unknown) => it);
      expect(thrown).toMatchObject({ code: 'store_denied', message: expect.stringContaining('403') });
      expect(inspect(thrown, { depth: 20, showHidden: true })).not.toContain(SECRET);
    }
  });
}
