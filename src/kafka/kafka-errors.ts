import { messageOf, SegmentdError } from '../lib/errors.ts';

/** Errors of the protocol that no waiting mends: the credentials or the access are wrong. */
const DENIED = new Set([
  'SASL_AUTHENTICATION_FAILED',
  'UNSUPPORTED_SASL_MECHANISM',
  'ILLEGAL_SASL_STATE',
  'TOPIC_AUTHORIZATION_FAILED',
  'GROUP_AUTHORIZATION_FAILED',
  'CLUSTER_AUTHORIZATION_FAILED',
]);

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

/** The protocol's name of what went wrong (such as MESSAGE_TOO_LARGE), from the error or what caused it. */
export function protocolTypes(error: unknown): string[] {
  return causes(error).flatMap((each) => ('type' in each && typeof each.type === 'string' ? [each.type] : []));
}

/**
 * An error of the client library in our words: `broker_denied`, `broker_unavailable` for a broker that may come back, and
 * `otherwise` for the rest.
 */
export function asKafkaError(
  error: unknown,
  otherwise: 'broker_unavailable' | 'consumer_crashed' = 'broker_unavailable',
): SegmentdError {
  const chain = causes(error);
  const own = chain.find((each) => each instanceof SegmentdError);
  if (own) return own;
  const named = (names: ReadonlySet<string>): boolean => chain.some((each) => names.has(each.name));
  const denied = protocolTypes(error).some((type) => DENIED.has(type)) || named(DENIED_NAMES);
  const code = denied ? 'broker_denied' : named(UNREACHABLE_NAMES) ? 'broker_unavailable' : otherwise;
  return new SegmentdError(code, messageOf(error), { cause: error });
}

/** The error and what caused it, outermost first; errors of several topics or partitions are all of them causes. */
function causes(error: unknown, depth = 0): Error[] {
  if (!(error instanceof Error) || depth > 8) return [];
  const several = 'errors' in error && Array.isArray(error.errors) ? error.errors : [];
  return [error, ...[error.cause, ...several].flatMap((each) => causes(each, depth + 1))];
}
