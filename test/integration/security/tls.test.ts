import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import { openProducer } from '../../../src/kafka/producer.ts';
import { segmentdProcess } from '../../../testing/cli.ts';
import { startMember } from '../chaos/member.ts';
import { lagOf } from '../chaos/rough-world.ts';
import { makeTable, until } from '../e2e/world.ts';
import { startMember as startReader, text } from '../kafka/kafka-bench.ts';
import type { Listener, SecuredBroker } from './secured-broker.ts';
import { PASSWORDS, passwordFile, startSecuredBroker } from './secured-broker.ts';
import {
  appendIsCovered,
  expectNoKey,
  expectNoPassword,
  makeOpenWorld,
  secureConfig,
  toldBy,
} from './secured-client.ts';

let secured: SecuredBroker;
beforeAll(async () => {
  secured = await startSecuredBroker();
});
afterAll(() => secured.stop());

type Ssl = Readonly<Record<string, string | boolean>>;

const trusting = (): Ssl => ({ enabled: true, ca_file: secured.ca });
const asClient = (): Ssl => ({ ...trusting(), cert_file: secured.client.cert, key_file: secured.client.key });

/** A topic of its own, and the settings of a client that reaches it by this way, read from a configuration as a daemon's are. */
async function clientOver(listener: Listener, ssl: Ssl) {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const kafka = { brokers: [secured.at[listener]], ssl };
  const file = await secureConfig(world, 'tls', kafka);
  return { world, file, settings: kafkaSettings(loadConfig({ file, env: {}, cwd: world.home })) };
}

const WAYS: [string, Listener, () => Ssl][] = [
  ['a certificate of the configured authority', 'TLS', trusting],
  ['another host name that is configured', 'ELSEWHERE', () => ({ ...trusting(), server_name: 'elsewhere.test' })],
  ['any certificate, when none is to be refused', 'EXPIRED', () => ({ enabled: true, reject_unauthorized: false })],
  ['a certificate on both sides', 'MUTUAL', asClient],
];

test.each(WAYS)('over TLS with %s an event is sent and received', async (_, listener, ssl) => {
  const { settings } = await clientOver(listener, ssl());
  const producer = openProducer(settings);
  onTestFinished(() => producer.close());
  await producer.send(settings.topic, [{ key: null, value: Buffer.from('over TLS') }]);
  const member = await startReader(settings, (record) => record.ack());
  await until('it was received', () => member.got.length > 0);
  expect([member.got.map(({ value }) => text(value)), member.crashes]).toEqual([['over TLS'], []]);
});

test('with a certificate on both sides an append is covered, and no output has the key', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const file = await secureConfig(world, 'tls', { brokers: [secured.at.MUTUAL], ssl: asClient() });
  const member = await startMember(file);
  await member.untilReady();
  const printed = await appendIsCovered(world, file);
  const told = await toldBy(member);
  expect(await member.end()).toBe(0);
  await expectNoKey(printed + told + member.output(), secured.client.key);
});

test('a password goes through TLS, and a wrong one is refused there too', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const way = { brokers: [secured.at.BOTH], ssl: trusting() };
  const account = { mechanism: 'scram-sha-512', username: 'alice' };
  const right = { ...account, password_file: await passwordFile(secured, 'alice') };
  const file = await secureConfig(world, 'both', { ...way, sasl: right });
  const member = await startMember(file);
  await member.untilReady();
  const printed = await appendIsCovered(world, file);
  expectNoPassword(printed + (await toldBy(member)));
  expect(await member.end()).toBe(0);

  const wrong = await secureConfig(world, 'wrong', { ...way, sasl: { ...account, password: PASSWORDS.wrong } });
  const refused = await startMember(wrong);
  expect(await refused.ended).toBe(69);
  expect(refused.output()).toContain('segmentd: broker_denied: ');
  expectNoPassword(refused.output());
});

const REFUSED: [string, Listener, () => Ssl, RegExp][] = [
  ['a certificate of another authority', 'TLS', () => ({ enabled: true, ca_file: secured.otherCa }), /certificate/],
  ['no authority of ours', 'TLS', () => ({ enabled: true }), /certificate/],
  ['a certificate for another host', 'ELSEWHERE', trusting, /not in the cert's list|altnames/],
  ['a certificate that has expired', 'EXPIRED', trusting, /expired/],
  ['no certificate of the client', 'MUTUAL', trusting, /alert/],
  [
    'a client certificate of another authority',
    'MUTUAL',
    () => ({ ...trusting(), cert_file: secured.stranger.cert, key_file: secured.stranger.key }),
    /alert/,
  ],
];

test.each(REFUSED)(
  'over TLS with %s nothing is sent or received, and the error says why',
  async (_, listener, ssl, reason) => {
    const { settings } = await clientOver(listener, ssl());
    const producer = openProducer(settings);
    onTestFinished(() => producer.close());
    const sending = producer.send(settings.topic, [{ key: null, value: null }], { deadlineMs: 3_000 });
    await expect(sending).rejects.toMatchObject({ code: 'broker_unavailable' });
    const told: string[] = [];
    const member = await startReader(settings, undefined, { onCrash: ({ message }) => told.push(message) });
    await until('the crash is told', () => told.length > 0);
    expect([member.crashes[0], told[0], member.got]).toEqual([
      'broker_unavailable true',
      expect.stringMatching(reason),
      [],
    ]);
  },
);

test('a daemon that refuses its broker is live and not ready, and gives the reason without its key', async () => {
  const stranger = { ...trusting(), cert_file: secured.stranger.cert, key_file: secured.stranger.key };
  const { world, file } = await clientOver('MUTUAL', stranger);
  const member = await startMember(file);
  await until('the crash is told', () => member.log.some(({ event }) => event === 'consumerCrashed'));
  expect(await member.probe('/readyz')).toBe(503);
  expect(await member.probe('/healthz')).toBe(200);
  const crash = member.log.find(({ event }) => event === 'consumerCrashed');
  expect(crash?.error).toMatch(/alert/);
  await makeTable(world, 'people', 1);
  const announced = await segmentdProcess(['announce', 'db/people', '-c', file, '--timeout', '3s']);
  expect(announced).toMatchObject({ code: 69, stderr: expect.stringContaining('segmentd: broker_unavailable: ') });
  expect(await lagOf(world)).toBe(0);
  expect(await member.end()).toBe(0);
  await expectNoKey(member.output() + announced.stderr, secured.stranger.key);
});
