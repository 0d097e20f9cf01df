/**
 * A record source over a file of lines, whose position is kept in another file as a consumer group keeps an offset: it is
 * committed on a clock, only ever behind acknowledged records, and read again at start.
 */
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { Subject } from 'rxjs';
import type { KafkaSettings } from '../../../src/kafka/client.ts';
import { AckTracker } from '../../../src/kafka/consumer/ack-tracker.ts';
import type { RecordSource, SourceHooks, SourceState } from '../../../src/kafka/consumer/source.ts';
import type { ConsumerRecord } from '../../../src/model.ts';
import { pass } from './die-at.ts';

const TICK_MS = 10;

export function openSource({ topic }: KafkaSettings, hooks: SourceHooks = {}): RecordSource {
  const { RECORDS_FILE: recordsFile = '', POSITION_FILE: positionFile = '' } = process.env;
  const records$ = new Subject<ConsumerRecord>();
  const tracker = new AckTracker();
  const moved = new AbortController();
  let state: SourceState = 'connecting';
  let committed = 0n;
  let read = 0;
  let running: Promise<void> | undefined;

  const enter = (next: SourceState) => {
    state = next;
    hooks.onState?.(next);
  };
  const readOn = async () => {
    const lines = (await readFile(recordsFile, 'utf8')).split('\n').slice(0, -1);
    for (; read < lines.length; read++) {
      const offset = BigInt(read);
      const entry = { offset, sinceMs: Date.now(), done: false };
      tracker.deliver(entry, offset);
      tracker.reached(offset + 1n);
      records$.next({
        position: { topic, partition: 0, offset },
        key: null,
        value: Buffer.from(lines[read] as string),
        headers: new Map(),
        timestampMs: Date.now(),
        signal: moved.signal,
        ack: () => void tracker.settle(entry),
      });
    }
  };
  const commit = async () => {
    const { committable } = tracker;
    if (committable === undefined || committable <= committed) return;
    pass('offsets');
    await writeFile(`${positionFile}.next`, `${committable}`);
    await rename(`${positionFile}.next`, positionFile);
    committed = committable;
    pass('offsets-committed');
  };
  const run = async () => {
    committed = BigInt(await readFile(positionFile, 'utf8'));
    read = Number(committed);
    enter('running');
    while (state === 'running') {
      await readOn();
      await commit();
      await sleep(TICK_MS);
    }
  };
  return {
    records$,
    start: async () => {
      running = run();
      running.catch((error: unknown) => records$.error(error));
    },
    state: () => state,
    problem: () => undefined,
    assigned: () => [0],
    unacked: () => tracker.unacked,
    oldestUnackedMs: () => 0,
    async drain() {
      enter('draining');
      await running;
      while (tracker.unacked > 0) await sleep(TICK_MS);
      await commit();
      records$.complete();
      enter('stopped');
    },
  };
}
