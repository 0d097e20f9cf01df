/** The records that a delivery stands for. */
import type { Delivery } from '../model.ts';

export const countOf = ({ repeats }: Delivery): number => 1 + (repeats?.length ?? 0);

/** Each of them by itself; the ack is that of all. */
export function recordsOf(delivery: Delivery): Delivery[] {
  const { repeats = [], ...first } = delivery;
  const others = repeats.map(({ offset, timestamp }) => ({
    ...first,
    origin: { ...first.origin, offset: BigInt(offset) },
    timestampMs: Number(timestamp),
  }));
  return [first, ...others];
}
