/** The transaction properties of a commit: the member that made it and the events that led to it. */
import { lastOffsetOf } from '../model.ts';
import type { PipelineContext } from './context.ts';
import type { Batch } from './work.ts';

/** Transaction properties of everything a member commits. */
export function memberProperties({ writer, member }: PipelineContext['settings']): Record<string, string> {
  return { 'segmentd.version': writer.version, 'segmentd.member': member };
}

/** Of a version in which merges land: how many segments they replace. */
export function mergeProperties(replaced: number): Record<string, string> {
  return { 'segmentd.merged': String(replaced) };
}

/** Beside those of the member, the range of offsets per partition. */
export function provenance(settings: PipelineContext['settings'], batch: Batch): Record<string, string> {
  const ranges = new Map<string, { low: bigint; high: bigint }>();
  for (const { record } of batch.events) {
    if (!record) continue;
    const { topic, partition, offset } = record.position;
    const last = lastOffsetOf(offset, record.repeats);
    const range = ranges.get(`${topic}/${partition}`);
    ranges.set(`${topic}/${partition}`, {
      low: range && range.low < offset ? range.low : offset,
      high: range && range.high > last ? range.high : last,
    });
  }
  const events = [...ranges].map(([place, { low, high }]) => `${place}/${low}-${high}`).join(' ');
  return { ...memberProperties(settings), ...(events ? { 'segmentd.events': events } : {}) };
}
