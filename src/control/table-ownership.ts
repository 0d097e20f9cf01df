/** Which tables are this member's: those whose events come on a partition that the group gave it. */
import { partitionOf } from '../kafka/partition-of.ts';
import { RecentMap } from '../lib/recent-map.ts';

/** Tables remembered: made-up names in events must not grow this for ever. */
const REMEMBERED = 10_000;

export class TableOwnership {
  /** Without Kafka there is no group to share the tables with: all are this process's. */
  private readonly isAlone: boolean;
  /** The partition that each table's events last came from; producers may spread keys in their own way. */
  private readonly lastSeen = new RecentMap<string, number>(REMEMBERED);
  /** The one that was noted last, and is noted again a hundred thousand times a second in a flood. */
  private newest: { readonly table: string; readonly partition: number } | undefined;
  private assigned: readonly number[] = [];
  private partitions = 0;
  private readonly listeners: ((table: string) => void)[] = [];
  private readonly assignedListeners: (() => void)[] = [];

  constructor({ isAlone = false }: { readonly isAlone?: boolean } = {}) {
    this.isAlone = isAlone;
  }

  /** Calls `listener` for each table that another member owns from now on. */
  onReleased(listener: (table: string) => void): void {
    this.listeners.push(listener);
  }

  /** Calls `listener` after each rebalance. */
  onAssigned(listener: () => void): void {
    this.assignedListeners.push(listener);
  }

  /** An event for `table` came on `partition`. */
  observe(table: string, partition: number): void {
    if (this.newest?.table === table && this.newest.partition === partition) return;
    this.newest = { table, partition };
    this.lastSeen.set(table, partition);
  }

  /** How many partitions the topic has. */
  setPartitionCount(partitions: number): void {
    this.partitions = partitions;
  }

  /** The group has given this member these partitions; returns the tables that went elsewhere. */
  assign(assigned: readonly number[]): string[] {
    this.assigned = assigned;
    this.newest = undefined;
    const gone = [...this.lastSeen].filter(([, partition]) => !assigned.includes(partition)).map(([table]) => table);
    for (const table of gone) this.lastSeen.delete(table);
    for (const table of gone) for (const listener of this.listeners) listener(table);
    for (const listener of this.assignedListeners) listener();
    return gone;
  }

  /** How many partitions the topic has; 0 until that is known. */
  get partitionCount(): number {
    return this.partitions;
  }

  /** Whether the owners of tables are known. */
  get known(): boolean {
    return this.isAlone || (this.partitions > 0 && this.assigned.length > 0);
  }

  /** As `owns`, for work on a table whether or not it ever had an event: it is remembered, and emitted when another member owns it. */
  claim(table: string): boolean {
    if (this.isAlone) return true;
    if (!this.isOwner(table)) return false;
    if (!this.lastSeen.has(table)) this.observe(table, partitionOf(table, this.partitions));
    return true;
  }

  /** Whether it is known that another member owns the table, and none of its events came here. */
  isElsewhere(table: string): boolean {
    return this.known && !this.isOwner(table) && !this.lastSeen.has(table);
  }

  /** Whether this member sweeps the table: one member does, the owner of the partition that its key hashes to. */
  isOwner(table: string): boolean {
    return this.isAlone || (this.known && this.assigned.includes(partitionOf(table, this.partitions)));
  }
}
