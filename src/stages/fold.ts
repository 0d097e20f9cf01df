/** Keeps the memory of a busy table flat, whatever is announced for it meanwhile. */
import type { Kit } from './kit.ts';
import type { Item } from './work.ts';

/** Waiting events per table that keep their own place, and so their own latency in the metrics. */
const KEPT = 100;

/**
 * Settles an event at once when one of the same partition already waits for the same table: the batch it waits for is planned
 * after both, and its offset, which is the lower one, holds back the commit of this one's. Only for versions that were seen
 * already: an event that announces more than that has to wait for it.
 */
export function foldInto(kit: Kit): (item: Item, waiting: readonly Item[]) => boolean {
  return ({ event, delivery }, waiting) => {
    if (waiting.length < KEPT || !delivery || event.fragments) return false;
    const known = kit.tables.open(event.table.uri).knownVersion;
    if (event.version !== undefined && (known === null || event.version > known)) return false;
    const { topic, partition, offset } = delivery.origin;
    // An elder that waits for a version nobody has seen may end as a dead letter, and would hold nothing back any more.
    const isElder = ({ event: { version = 0 }, delivery: other }: Item) =>
      version <= (known ?? 0) &&
      other?.origin.topic === topic &&
      other.origin.partition === partition &&
      other.origin.offset < offset &&
      !other.signal.aborted;
    if (!waiting.some(isElder)) return false;
    kit.telemetry.eventSettled({ origin: delivery.origin, table: event.table.id, outcome: 'duplicate' });
    delivery.ack();
    return true;
  };
}
