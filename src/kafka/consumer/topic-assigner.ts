/** Assigns partitions to the members of a group that may subscribe to different topics. */
import type { GroupMember, Kafka, PartitionAssigner } from 'kafkajs';
import { AssignerProtocol } from 'kafkajs';
import { CLIENT_RETRY } from '../client.ts';
import { isTopicMissing } from '../kafka-errors.ts';

const { MemberAssignment, MemberMetadata } = AssignerProtocol;

/** That of kafkajs's own assigner, so that a group can be upgraded member by member. */
const NAME = 'RoundRobinAssigner';
const VERSION = 0;

export type Member = { readonly memberId: string; readonly topics: readonly string[] };

/**
 * Gives the partitions of each topic in turn to the members that subscribe to it. The assigner of kafkajs gives all members the
 * topics of the one that leads the group: partitions that no member reads, and members without any. `member` is what this member is called,
 * which the broker tells those that ask for the group.
 */
export function topicAssigner(kafka: Kafka, member: string): PartitionAssigner {
  const name = Buffer.from(member);
  return ({ cluster }) => ({
    name: NAME,
    version: VERSION,
    protocol: ({ topics }) => ({
      name: NAME,
      metadata: MemberMetadata.encode({ version: VERSION, topics, userData: name }),
    }),
    async assign({ members, topics: ours }) {
      const subscribed = members.map(subscriptionOf);
      const topics = [...new Set([...ours, ...subscribed.flatMap((member) => member.topics)])].sort();
      const partitions = new Map<string, readonly number[]>();
      for (const topic of topics) {
        const own = ours.includes(topic);
        const known = own ? cluster.findTopicPartitionMetadata(topic).map((each) => each.partitionId) : undefined;
        partitions.set(topic, known ?? (await partitionsOfOther(kafka, topic)));
      }
      return [...assignTopics(subscribed, partitions)].map(([memberId, assignment]) => ({
        memberId,
        memberAssignment: MemberAssignment.encode({ version: VERSION, assignment, userData }),
      }));
    },
  });
}

const userData = Buffer.alloc(0);

function subscriptionOf({ memberId, memberMetadata }: GroupMember): Member {
  return { memberId, topics: MemberMetadata.decode(memberMetadata)?.topics ?? [] };
}

/** The partitions of each topic by member. A member without any is left out. */
export function assignTopics(
  members: readonly Member[],
  partitions: ReadonlyMap<string, readonly number[]>,
): Map<string, Record<string, number[]>> {
  const byId = [...members].sort((a, b) => (a.memberId < b.memberId ? -1 : 1));
  const assignments = new Map<string, Record<string, number[]>>();
  let turn = 0;
  for (const [topic, ids] of partitions) {
    const readers = byId.filter(({ topics }) => topics.includes(topic));
    for (const partition of ids) {
      const reader = readers[turn % readers.length];
      if (reader === undefined) break;
      turn += 1;
      const assignment = assignments.get(reader.memberId) ?? {};
      assignments.set(reader.memberId, assignment);
      assignment[topic] = [...(assignment[topic] ?? []), partition];
    }
  }
  return assignments;
}

/**
 * Asked over a connection of its own: a topic of another member among those that our client keeps the metadata of would end our
 * consumer when that topic is deleted.
 */
async function partitionsOfOther(kafka: Kafka, topic: string): Promise<number[]> {
  const admin = kafka.admin({ retry: CLIENT_RETRY });
  try {
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    return topics.flatMap((each) => each.partitions.map(({ partitionId }) => partitionId)).sort((a, b) => a - b);
  } catch (error) {
    // Its reader waits for the topic, and has the group join again when it is there.
    if (isTopicMissing(error)) return [];
    throw error;
  } finally {
    await admin.disconnect();
  }
}
