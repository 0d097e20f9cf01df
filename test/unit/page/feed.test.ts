import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { follow } from '../../../src/page/feed.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

type Handler = (url: string, signal: AbortSignal) => Response | Promise<Response>;

const encode = (text: string) => new TextEncoder().encode(text);
const event = (value: unknown) => `event: status\ndata: ${JSON.stringify(value)}\n\n`;
const json = (value: unknown, status = 200) => Response.json(value, { status });

/** A stream that the test writes to; it ends with an error when the page leaves it. */
function openStream(signal: AbortSignal) {
  let control: ReadableStreamDefaultController<Uint8Array> | undefined;
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      control = controller;
      signal.addEventListener('abort', () => controller.error(new Error('aborted')));
    },
  });
  return {
    response: new Response(body),
    write: (text: string) => control?.enqueue(encode(text)),
    end: () => control?.close(),
  };
}

/** Follows a daemon that answers as `answer` says; `told` has what the page was told, in order. */
function start(answer: Handler, stream: string | null = '/events', pollMs?: number) {
  const told: string[] = [];
  const stop = new AbortController();
  const sleep = (ms: number, signal: AbortSignal) =>
    new Promise<void>((resolve) => {
      setTimeout(resolve, ms);
      signal.addEventListener('abort', () => resolve());
    });
  const running = follow(
    {
      url: '/status',
      stream,
      ...(pollMs === undefined ? {} : { pollMs }),
      headers: () => ({ authorization: 'Bearer x' }),
      news: (value) => told.push(`news ${JSON.stringify(value)}`),
      alive: () => told.push('alive'),
      silent: (why) => told.push(`silent ${why}`),
      refused: (status, error) => told.push(`refused ${status} ${error}`),
      fetch: async (url, init) => answer(String(url), init?.signal as AbortSignal),
      sleep,
    },
    stop.signal,
  );
  const end = async () => {
    stop.abort();
    await running;
  };
  return { told, stop: end };
}

test('asks once, then listens', async () => {
  const asked: string[] = [];
  let stream: ReturnType<typeof openStream> | undefined;
  const { told, stop } = start((url, signal) => {
    asked.push(url);
    if (url === '/status') return json(1);
    stream = openStream(signal);
    return stream.response;
  });
  await vi.advanceTimersByTimeAsync(100);
  stream?.write(event(2));
  await vi.advanceTimersByTimeAsync(10_000);
  stream?.write(': nothing new\n\n');
  await vi.advanceTimersByTimeAsync(10_000);
  expect(asked).toEqual(['/status', '/events']);
  expect(told).toEqual(['alive', 'news 1', 'alive', 'news 2', 'alive']);
  await stop();
});

test('asks every two seconds where there is no stream', async () => {
  let asked = 0;
  const { told, stop } = start((url) => (url === '/status' ? json(++asked) : json({}, 404)));
  await vi.advanceTimersByTimeAsync(6_600);
  expect(told.filter((it) => it.startsWith('news'))).toEqual([1, 2, 3, 4, 5].map((nth) => `news ${nth}`));
  await stop();
});

test('asks as rarely as it is told to', async () => {
  let asked = 0;
  const { told, stop } = start(() => json(++asked), null, 30_000);
  await vi.advanceTimersByTimeAsync(61_000);
  expect(told.filter((it) => it.startsWith('news'))).toEqual(['news 1', 'news 2', 'news 3']);
  await stop();
});

test('a stream that ends is followed by a question, and a daemon that is gone is told within two seconds', async () => {
  let isUp = true;
  let stream: ReturnType<typeof openStream> | undefined;
  const { told, stop } = start((url, signal) => {
    if (!isUp) throw new TypeError('Failed to fetch');
    if (url === '/status') return json(1);
    stream = openStream(signal);
    stream.write(event(2));
    return stream.response;
  });
  await vi.advanceTimersByTimeAsync(1_000);
  isUp = false;
  stream?.end();
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.at(-1)).toBe('silent Failed to fetch');
  isUp = true;
  await vi.advanceTimersByTimeAsync(2_100);
  expect(told.slice(-4)).toEqual(['alive', 'news 1', 'alive', 'news 2']);
  await stop();
});

test('a stream that hangs is left, and a question that hangs is told', async () => {
  let hangs = false;
  const { told, stop } = start((url, signal) => {
    if (hangs) {
      return new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
      });
    }
    if (url === '/status') return json(1);
    const stream = openStream(signal);
    stream.write(event(2));
    hangs = true;
    return stream.response;
  });
  // 18 s without a word, half a second, and 5 s for the answer to a question.
  await vi.advanceTimersByTimeAsync(23_000);
  expect(told.at(-1)).toBe('news 2');
  await vi.advanceTimersByTimeAsync(1_000);
  expect(told.at(-1)).toBe('silent no answer within 5 s');
  await stop();
});

test('an answer that is none is told with its status and error', async () => {
  const { told, stop } = start(() => json({ error: 'a bearer token is required' }, 401));
  await vi.advanceTimersByTimeAsync(100);
  expect(told).toEqual(['refused 401 a bearer token is required']);
  await stop();
});
