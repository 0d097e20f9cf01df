import { messageOf, SegmentdError } from '../lib/errors.ts';

/** Errors of the protocol that no retry fixes: the credentials or the access are wrong. */
const DENIED = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

const TOPIC_MISSING = 'UNKNOWN_TOPIC_OR_PARTITION';
/** Members of one group that use different partition assigners. */
const GROUP_MIXED = 'INCONSISTENT_GROUP_PROTOCOL';

const DENIED_NAMES = new Set(['KafkaJSSASLAuthenticationError']);

/** What the client library throws when a broker does not answer. */
const UNREACHABLE_NAMES = new Set([
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSRequestTimeoutError',
  'KafkaJSBrokerNotFound',
  'KafkaJSNoBrokerAvailableError',
  'KafkaJSGroupCoordinatorNotFound',
]);

/** The protocol's error type (such as MESSAGE_TOO_LARGE), from the error or its cause. */
export function protocolTypes(error: unknown): string[] {
  return causes(error).flatMap((each) => ('type' in each && typeof each.type === 'string' ? [each.type] : []));
}

/** Whether the broker said that it has no such topic. */
export function isTopicMissing(error: unknown): boolean {
  return protocolTypes(error).includes(TOPIC_MISSING);
}

/** The client library asks each broker and keeps none of their refusals, so that a right that is missing looks like this, too. */
const NO_COORDINATOR = 'KafkaJSGroupCoordinatorNotFound';

type ErrorContext = {
  /** The topic that the call was about. */
  readonly topic?: string;
  /** The code of what is none of the known errors. */
  readonly otherwise?: 'broker_unavailable' | 'consumer_crashed';
};

/**
 * An error of the client library as a SegmentdError: `broker_denied`, `kafka_topic_missing`, `kafka_group_mixed`,
 * `broker_unavailable` for a broker that may come back, and `otherwise` for the rest.
 */
export function asKafkaError(
  error: unknown,
  { topic, otherwise = 'broker_unavailable' }: ErrorContext = {},
): SegmentdError {
  const chain = causes(error);
  const own = chain.find((each) => each instanceof SegmentdError);
  if (own) return own;
  const named = (names: ReadonlySet<string>): boolean => chain.some((each) => names.has(each.name));
  const denied = protocolTypes(error).some((type) => DENIED.has(type)) || named(DENIED_NAMES);
  if (!denied && topic !== undefined && isTopicMissing(error)) return topicMissing(topic, error);
  if (protocolTypes(error).includes(GROUP_MIXED)) {
    return new SegmentdError('kafka_group_mixed', messageOf(error), { cause: error });
  }
  const code = denied ? 'broker_denied' : named(UNREACHABLE_NAMES) ? 'broker_unavailable' : otherwise;
  const doubt = !denied && chain.some(({ name }) => name === NO_COORDINATOR);
  const message = messageOf(error) + (doubt ? ': there is none yet, or this user may not read the group' : '');
  return new SegmentdError(code, message, { cause: error });
}

export function topicMissing(topic: string, cause?: unknown): SegmentdError {
  return new SegmentdError('kafka_topic_missing', `the broker has no topic ${JSON.stringify(topic)}`, { cause });
}

/** The error and what caused it, outermost first; errors of several topics or partitions are all of them causes. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const several = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...several].flatMap((each) => causes(each, depth + 1))];
}
