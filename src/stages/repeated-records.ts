/** The records that a delivery stands for. */
import type { ConsumerRecord } from '../model.ts';

export const countOf = ({ repeats }: ConsumerRecord): number => 1 + (repeats?.length ?? 0);

/** Each of them by itself; the ack is that of all. */
export function recordsOf(record: ConsumerRecord): ConsumerRecord[] {
  const { repeats = [], ...first } = record;
  const others = repeats.map(({ offset, timestamp }) => ({
    ...first,
    position: { ...first.position, offset: BigInt(offset) },
    timestampMs: Number(timestamp),
  }));
  return [first, ...others];
}
