/** What the tests of traces share. */
import { onTestFinished } from 'vitest';
import type { Collector } from '../../../testing/otlp-collector.ts';
import { startCollector } from '../../../testing/otlp-collector.ts';
import type { World } from './world.ts';

/** So that a test does not wait for the five seconds that the SDK collects spans for. */
export const AT_ONCE = { OTEL_BSP_SCHEDULE_DELAY: '50' };

export async function collector(options?: { answers: boolean }): Promise<Collector> {
  const started = await startCollector(options);
  onTestFinished(() => started.close());
  return started;
}

/** Puts an event for the table `people` on the topic, once with each of the headers, at one time. */
export async function announce(
  { settings, producer }: World,
  value: unknown,
  ...headers: Readonly<Record<string, string>>[]
): Promise<void> {
  const record = { key: Buffer.from('db/people'), value: Buffer.from(JSON.stringify(value)) };
  const records = headers.map((each) => ({ ...record, headers: new Map(Object.entries(each)) }));
  await producer.send(settings.topic, records);
}
