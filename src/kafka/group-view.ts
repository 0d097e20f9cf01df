/** Who reads a topic for the group, as the broker tells it. */
import type { GroupDescription } from 'kafkajs';
import { AssignerProtocol } from 'kafkajs';

export type GroupView = {
  /** By member id. `partitions` are those of the topic, in order. */
  readonly members: readonly {
    readonly member: string;
    readonly host: string;
    readonly partitions: readonly number[];
  }[];
  /** Partitions of the topic that no member reads: all of them while the group rebalances. */
  readonly unowned: readonly number[];
};

/** `partitions` are all that the topic has. A member whose assignment cannot be read has none. */
export function groupView(
  { members }: Pick<GroupDescription, 'members'>,
  topic: string,
  partitions: readonly number[],
): GroupView {
  const views = members
    .map(({ memberId, clientHost, memberAssignment }) => ({
      member: memberId,
      host: clientHost.replace(/^\//, ''),
      partitions: assigned(memberAssignment, topic),
    }))
    .sort((a, b) => (a.member < b.member ? -1 : 1));
  const owned = new Set(views.flatMap((view) => view.partitions));
  return { members: views, unowned: partitions.filter((partition) => !owned.has(partition)).sort((a, b) => a - b) };
}

/** Empty while a member waits for its assignment, and for bytes that are none: the group may have members of other programs. */
function assigned(assignment: Buffer, topic: string): number[] {
  try {
    const own = AssignerProtocol.MemberAssignment.decode(assignment)?.assignment[topic] ?? [];
    return [...own].sort((a, b) => a - b);
  } catch {
    return [];
  }
}
