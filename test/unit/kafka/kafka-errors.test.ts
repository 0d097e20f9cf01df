import { expect, test } from 'vitest';
import { asKafkaError, protocolTypes } from '../../../src/kafka/kafka-errors.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const named = (name: string, extra: object = {}): Error => Object.assign(new Error(name), { name, ...extra });

test('refusals are distinguished from unreachable brokers, however deep the cause', () => {
  const wrapped = (cause: Error) => new Error('retries', { cause: new Error('crash', { cause }) });
  expect(asKafkaError(wrapped(named('KafkaJSSASLAuthenticationError'))).code).toBe('broker_denied');
  expect(asKafkaError(wrapped(named('E', { type: 'GROUP_AUTHORIZATION_FAILED' }))).code).toBe('broker_denied');
  const several = named('KafkaJSAggregateError', { errors: [named('E', { type: 'TOPIC_AUTHORIZATION_FAILED' })] });
  expect(asKafkaError(several).code).toBe('broker_denied');
  expect(asKafkaError(wrapped(named('KafkaJSConnectionError')), { otherwise: 'consumer_crashed' }).code).toBe(
    'broker_unavailable',
  );
  expect(asKafkaError(new TypeError('bug'), { otherwise: 'consumer_crashed' }).code).toBe('consumer_crashed');
  expect(asKafkaError('text').message).toBe('text');
});

test('a topic that is missing is named where the call was about one, unless access is what is missing', () => {
  const missing = named('KafkaJSProtocolError', { type: 'UNKNOWN_TOPIC_OR_PARTITION' });
  const wrapped = new Error('retries', { cause: missing });
  expect(asKafkaError(wrapped, { topic: 'appends' })).toMatchObject({
    code: 'kafka_topic_missing',
    message: 'the broker has no topic "appends"',
    retry: 'backoff',
    cause: wrapped,
  });
  expect(asKafkaError(wrapped).code).toBe('broker_unavailable');
  const both = named('KafkaJSAggregateError', {
    errors: [missing, named('E', { type: 'TOPIC_AUTHORIZATION_FAILED' })],
  });
  expect(asKafkaError(both, { topic: 'appends' }).code).toBe('broker_denied');
});

test('a group whose members use different assigners has an error of its own', () => {
  const error = named('KafkaJSProtocolError', { type: 'INCONSISTENT_GROUP_PROTOCOL' });
  expect(asKafkaError(error, { topic: 't', otherwise: 'consumer_crashed' }).code).toBe('kafka_group_mixed');
});

test('a group without a coordinator may be one that the user may not read: the client library tells neither from the other', () => {
  const none = named('KafkaJSGroupCoordinatorNotFound');
  expect(asKafkaError(new Error('retries', { cause: none }))).toMatchObject({
    code: 'broker_unavailable',
    message: 'retries: there is none yet, or this user may not read the group',
  });
});

test('our own errors stay themselves', () => {
  const own = new SegmentdError('consumer_crashed', 'x');
  expect(asKafkaError(own)).toBe(own);
  expect(asKafkaError(new Error('outer', { cause: own }))).toBe(own);
});

test('a cause that leads back to itself ends', () => {
  const loop = named('E', { type: 'X' });
  loop.cause = loop;
  expect(new Set(protocolTypes(loop))).toEqual(new Set(['X']));
});
