import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { AclResourceTypes } from 'kafkajs';
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { kafkaSettings } from '../../../src/daemon/kafka-settings.ts';
import { openClient } from '../../../src/kafka/client.ts';
import { segmentdProcess as segmentd } from '../../../testing/cli.ts';
import { startMember } from '../chaos/member.ts';
import { adminOf, sumOf } from '../chaos/rough-world.ts';
import type { World } from '../e2e/world.ts';
import { makeTable, until } from '../e2e/world.ts';
import { documentedAcls, revokeAll } from './documented-acls.ts';
import type { SecuredBroker } from './secured-broker.ts';
import { PASSWORDS, passwordFile, startSecuredBroker } from './secured-broker.ts';
import type { KafkaOptions } from './secured-client.ts';
import { appendIsCovered, expectNoPassword, makeOpenWorld, secureConfig, toldBy } from './secured-client.ts';

let secured: SecuredBroker;
beforeAll(async () => {
  secured = await startSecuredBroker();
});
afterAll(() => secured.stop());

const over = (sasl: object): KafkaOptions => ({ brokers: [secured.at.SASL], sasl });

test('the search for passwords finds each form of them', () => {
  const leaks = ['corr3ct-h0rse-battery', Buffer.from('b0b-staples-staples').toString('hex')];
  leaks.push(Buffer.from('\0alice\0wr0ng-g1raffe-tonic').toString('base64'));
  for (const leak of leaks) expect(() => expectNoPassword(`x ${leak} y`)).toThrow();
  expectNoPassword('nothing to see');
});

test.each([
  ['plain', 'the file'],
  ['plain', 'a password file'],
  ['scram-sha-256', 'a password file'],
  ['scram-sha-512', 'the environment'],
])('with %s and the password in %s an append is covered, and no output has the password', async (mechanism, place) => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const account = { mechanism, username: 'alice' };
  const env: Record<string, string> =
    place === 'the environment' ? { SEGMENTD_KAFKA_SASL_PASSWORD: PASSWORDS.alice } : {};
  const secret = {
    ...(place === 'the file' && { password: PASSWORDS.alice }),
    ...(place === 'a password file' && { password_file: await passwordFile(secured, 'alice') }),
  };
  const file = await secureConfig(world, 'secure', over({ ...account, ...secret }));
  const member = await startMember(file, env);
  await member.untilReady();
  const printed = await appendIsCovered(world, file, env);
  expect(printed).toContain('alice');
  if (place !== 'a password file') expect(printed).toContain('[redacted]');
  const told = await toldBy(member);
  expect(await member.end()).toBe(0);
  expect(member.log.length).toBeGreaterThan(10);
  expectNoPassword(printed + told + member.output());
});

test.each(['plain', 'scram-sha-256', 'scram-sha-512'])(
  'with %s a wrong password ends daemon and command with exit code 69',
  async (mechanism) => {
    const world = await makeOpenWorld(secured.broker.bootstrap);
    const account = { mechanism, username: 'alice', password_file: await passwordFile(secured, 'wrong') };
    const file = await secureConfig(world, 'wrong', over(account));
    await refusedAsDenied(world, file);
    const checked = await segmentd(['config', 'check', '--online', '-c', file]);
    expect([checked.code, checked.stdout]).toEqual([69, '']);
    expect(checked.stderr).toContain('kafka.sasl: broker_denied: ');
    expectNoPassword(checked.stderr);
  },
);

test('a user without any right ends daemon and command with exit code 69', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const account = { mechanism: 'plain', username: 'bob', password: PASSWORDS.bob };
  const file = await secureConfig(world, 'bob', over(account));
  await refusedAsDenied(world, file);
  const checked = await segmentd(['config', 'check', '--online', '-c', file]);
  expect([checked.code, checked.stdout]).toEqual([69, '']);
  expect(checked.stderr).toContain('or this user may not see it');
});

test('the ACLs of docs/operating.md are enough for a member and for the dead-letter commands, which need that of their groups', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const { settings } = world;
  const file = await secureConfig(world, 'bob', over({ mechanism: 'plain', username: 'bob', password: PASSWORDS.bob }));
  const admin = await adminOf(settings);
  onTestFinished(() => revokeAll(admin, 'bob'));
  const letters = (...args: string[]) => segmentd(['dead-letters', ...args, '-c', file]);

  await admin.createAcls({ acl: documentedAcls('What a member asks of the brokers', 'bob', settings) });
  const member = await startMember(file);
  await member.untilReady();
  await appendIsCovered(world, file);
  await world.producer.send(settings.topic, [{ key: null, value: Buffer.from('no JSON') }]);
  await until('it is dead', async () => sumOf(await member.metrics(), 'segmentd_dead_letters_total') === 1);
  expect(await member.end()).toBe(0);

  await revokeAll(admin, 'bob');
  const acl = documentedAcls('The `dead-letters` commands', 'bob', settings);
  const withoutGroup = acl.filter(({ resourceType }) => resourceType !== AclResourceTypes.GROUP);
  expect(withoutGroup.length).toBeLessThan(acl.length);
  await admin.createAcls({ acl: withoutGroup });
  expect(await letters('list')).toMatchObject({ code: 69, stderr: expect.stringContaining('may not read the group') });

  await admin.createAcls({ acl });
  expect(await letters('list')).toMatchObject({ code: 0, stdout: expect.stringContaining('event_not_json') });
  expect(await letters('replay', '--all')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 dead letter was sent'),
  });
});

async function refusedAsDenied(world: World, file: string): Promise<void> {
  await makeTable(world, 'people', 1);
  const member = await startMember(file);
  const [announced, code] = await Promise.all([segmentd(['announce', 'db/people', '-c', file]), member.ended]);
  expect(code).toBe(69);
  expect(announced.code).toBe(69);
  for (const output of [member.output(), announced.stderr]) {
    expect(output).toContain('segmentd: broker_denied: ');
    expect(output).toContain('Check kafka.sasl and the ACLs.');
  }
  const crash = member.log.find(({ event }) => event === 'consumerCrashed');
  expect(crash).toMatchObject({ code: 'broker_denied' });
  expectNoPassword(member.output() + announced.stdout + announced.stderr);
}

test('a configuration that is refused for its password does not print it', async () => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const both = { password: PASSWORDS.alice, password_file: await passwordFile(secured, 'alice') };
  const file = await secureConfig(world, 'both', over({ mechanism: 'plain', username: 'alice', ...both }));
  const checked = await segmentd(['config', 'check', '-c', file]);
  expect(checked.code).toBe(78);
  expect(checked.stderr).toContain('exactly one of password and password_file');
  const misspelt = await segmentd(['config', 'check'], { SEGMENTD_KAFKA_SASL_PASWORD: PASSWORDS.alice });
  expect(misspelt.code).toBe(78);
  expectNoPassword(checked.stdout + checked.stderr + misspelt.stdout + misspelt.stderr);
});

test.each([
  ['the password', 'SASL', { sasl: { mechanism: 'plain', username: 'alice' } }],
  ['a password that is proven with scram-sha-512', 'SASL', { sasl: { mechanism: 'scram-sha-512', username: 'alice' } }],
  ['certificate, key and authority', 'MUTUAL', {}],
] as const)('a client that is open reads %s anew for each connection', async (_, listener, kafka) => {
  const world = await makeOpenWorld(secured.broker.bootstrap);
  const places = { ca: join(world.home, 'ca'), cert: join(world.home, 'cert'), key: join(world.home, 'key') };
  const place = { ...places, password: join(world.home, 'password') };
  type Files = Readonly<Record<keyof typeof place, string>>;
  const right: Files = { ...secured.client, ca: secured.ca, password: await passwordFile(secured, 'alice') };
  const replace = async (files: Files) => {
    for (const name of ['ca', 'cert', 'key', 'password'] as const) await copyFile(files[name], place[name]);
  };
  const ssl = { enabled: true, ca_file: place.ca, cert_file: place.cert, key_file: place.key };
  const secure = 'sasl' in kafka ? { sasl: { ...kafka.sasl, password_file: place.password } } : { ssl };
  await replace(right);
  const file = await secureConfig(world, 'rotated', { brokers: [secured.at[listener]], ...secure });
  const settings = kafkaSettings(loadConfig({ file, env: {}, cwd: world.home }));
  const client = await openClient(settings, () => undefined);
  const connects = async () => {
    const admin = client.admin({ retry: { retries: 0 } });
    await admin.connect().finally(() => admin.disconnect());
  };
  await connects();
  const wrong: Files = { ...secured.stranger, ca: secured.otherCa, password: await passwordFile(secured, 'wrong') };
  await replace(wrong);
  await expect(connects()).rejects.toThrow();
  await replace(right);
  await connects();
  // What is being replaced is not there for a moment.
  for (const path of Object.values(place)) await rm(path);
  await connects();
});
