import { afterAll, beforeAll, expect, test } from 'vitest';
import { segmentd } from '../../../testing/cli.ts';
import { startMember } from '../chaos/member.ts';
import { lagOf } from '../chaos/rough-world.ts';
import { until } from '../e2e/world.ts';
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

const WAYS: [string, Listener, () => Ssl][] = [
  ['a certificate of the configured authority', 'TLS', trusting],
  ['another host name that is configured', 'ELSEWHERE', () => ({ ...trusting(), server_name: 'elsewhere.test' })],
  ['any certificate, when none is to be refused', 'EXPIRED', () => ({ enabled: true, reject_unauthorized: false })],
  ['a certificate on both sides', 'MUTUAL', asClient],
];

test.each(WAYS)('over TLS with %s an append is covered', async (_, listener, ssl) => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const file = await secureConfig(world, 'tls', { brokers: [secured.at[listener]], ssl: ssl() });
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
  'over TLS with %s there is no connection, and the log says why',
  async (_, listener, ssl, reason) => {
    const world = await makeOpenWorld(secured.broker.bootstrap);
    const file = await secureConfig(world, 'tls', { brokers: [secured.at[listener]], ssl: ssl() });
    const member = await startMember(file);
    await until('the crash is told', () => member.log.some(({ event }) => event === 'consumerCrashed'));
    expect(await member.probe('/readyz')).toBe(503);
    expect(await member.probe('/healthz')).toBe(200);
    const crash = member.log.find(({ event }) => event === 'consumerCrashed');
    expect(crash?.error).toMatch(reason);
    expect(await member.end()).toBe(0);
    await expectNoKey(member.output(), secured.stranger.key);
  },
);

test('nothing is announced to a broker that cannot be trusted', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const announced = REFUSED.map(async ([name, listener, ssl]) => {
    const file = await secureConfig(world, name, { brokers: [secured.at[listener]], ssl: ssl() });
    return segmentd(['announce', 'db/people', '-c', file, '--timeout', '3s']);
  });
  for (const { code, stderr } of await Promise.all(announced)) {
    expect(code).toBe(69);
    expect(stderr).toContain('segmentd: broker_unavailable: ');
  }
  expect(await lagOf(world)).toBe(0);
});
