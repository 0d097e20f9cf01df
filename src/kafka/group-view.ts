/** What the broker knows of our consumer group: its members and which partitions of the topic each of them reads. */
import type { Admin, MemberDescription } from 'kafkajs';
import { AssignerProtocol } from 'kafkajs';
import type { KafkaSettings } from './client.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;

export type GroupView = {
  /** By name. */
  readonly members: readonly {
    /** What `/status` of the member says it is; of another program, its member id. */
    readonly member: string;
    /** As the broker sees it. */
    readonly host: string;
    /** Rising. */
    readonly partitions: readonly number[];
  }[];
  /** Partitions that no member reads, rising: all of them while members join. */
  readonly unowned_partitions: readonly number[];
  /** When the broker was asked, ISO 8601. */
  readonly at: string;
};

/** `partitions`: those of the topic. Rejects with the client's own error. */
export async function readGroup(
  admin: Admin,
  { groupId, topic }: Pick<KafkaSettings, 'groupId' | 'topic'>,
  partitions: Iterable<number>,
): Promise<GroupView> {
  const { groups } = await admin.describeGroups([groupId]);
  return groupView(groups[0]?.members ?? [], topic, partitions, Date.now());
}

/** `nowMs`: milliseconds since the epoch. */
export function groupView(
  described: readonly MemberDescription[],
  topic: string,
  partitions: Iterable<number>,
  nowMs: number,
): GroupView {
  const members = described.map((member) => ({
    member: nameOf(member),
    host: member.clientHost.replace(/^\//, ''),
    partitions: assignedTo(member, topic),
  }));
  const owned = new Set(members.flatMap((member) => member.partitions));
  return {
    members: members.sort((a, b) => (a.member < b.member ? -1 : 1)),
    unowned_partitions: [...partitions].filter((partition) => !owned.has(partition)).sort((a, b) => a - b),
    at: new Date(nowMs).toISOString(),
  };
}

function nameOf({ memberId, memberMetadata }: MemberDescription): string {
  const said = decoded(() => MemberMetadata.decode(memberMetadata)?.userData.toString('utf8'));
  return said || memberId;
}

/** None while the group is joining. */
function assignedTo({ memberAssignment }: MemberDescription, topic: string): number[] {
  const assignment = decoded(() => MemberAssignment.decode(memberAssignment)?.assignment);
  return [...(assignment?.[topic] ?? [])].sort((a, b) => a - b);
}

/** Undefined for bytes of another protocol: a program that shares the group may say anything. */
function decoded<T>(decode: () => T): T | undefined {
  try {
    return decode();
  } catch (error) {
    if (error instanceof Error) return undefined;
    throw error;
  }
}
