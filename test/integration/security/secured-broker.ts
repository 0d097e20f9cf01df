/** One broker with a listener for each way to be secure, and one that is open for the tests themselves. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Broker } from '../../../testing/broker/broker.ts';
import { freePorts, startOwnBroker } from '../../../testing/broker/broker.ts';
import type { Pair } from './certificates.ts';
import { makeAuthority } from './certificates.ts';

/** Unlike anything else that is written anywhere, so that finding one means that it leaked. */
export const PASSWORDS = { alice: 'corr3ct-h0rse-battery', bob: 'b0b-staples-staples', wrong: 'wr0ng-g1raffe-tonic' };

const LISTENERS = ['SASL', 'TLS', 'ELSEWHERE', 'EXPIRED', 'MUTUAL', 'BOTH'] as const;
export type Listener = (typeof LISTENERS)[number];

export type SecuredBroker = {
  readonly broker: Broker;
  readonly dir: string;
  /** `host:port` of a listener. */
  readonly at: Readonly<Record<Listener, string>>;
  /** What clients need. */
  readonly ca: string;
  readonly otherCa: string;
  readonly client: Pair;
  readonly stranger: Pair;
  stop(): Promise<void>;
};

/**
 * SASL: the three mechanisms without TLS. TLS: a certificate for 127.0.0.1. ELSEWHERE: one for elsewhere.test. EXPIRED: one that
 * was valid until yesterday. MUTUAL: TLS that asks for the client's certificate. BOTH: SASL inside TLS. Alice may do anything;
 * bob is known and may do nothing.
 */
export async function startSecuredBroker(): Promise<SecuredBroker> {
  const dir = await mkdtemp(join(tmpdir(), 'segmentd-secured-'));
  const ours = await makeAuthority(dir, 'ours');
  const other = await makeAuthority(dir, 'other');
  const here = await ours.sign('here', 'broker', { san: 'IP:127.0.0.1' });
  const elsewhere = await ours.sign('elsewhere', 'broker', { san: 'DNS:elsewhere.test' });
  const expired = await ours.sign('expired', 'broker', { san: 'IP:127.0.0.1', days: -1 });
  const client = await ours.sign('client', 'client');
  const stranger = await other.sign('stranger', 'client');
  const ports = (await Promise.all([freePorts(), freePorts(), freePorts()])).flat();
  const at = Object.fromEntries(LISTENERS.map((name, index) => [name, `127.0.0.1:${ports[index]}`]));
  const broker = await startOwnBroker({
    properties: {
      ...listenerProperties(at),
      ...saslOf('sasl'),
      ...saslOf('both'),
      ...keystoreOf('both', here),
      ...keystoreOf('tls', here),
      ...keystoreOf('elsewhere', elsewhere),
      ...keystoreOf('expired', expired),
      ...keystoreOf('mutual', here),
      'listener.name.mutual.ssl.client.auth': 'required',
      'listener.name.mutual.ssl.truststore.type': 'PEM',
      'listener.name.mutual.ssl.truststore.location': ours.cert,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS;User:alice;User:CN=client',
    },
    formatArguments: ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=alice,password=${PASSWORDS.alice}]`,
    ]),
  });
  return {
    broker,
    dir,
    at: at as Record<Listener, string>,
    ca: ours.cert,
    otherCa: other.cert,
    client,
    stranger,
    async stop() {
      await broker.stop();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

function listenerProperties(at: Readonly<Record<string, string>>): Record<string, string> {
  const own = LISTENERS.map((name) => `${name}://${at[name]}`).join();
  const protocols = { SASL: 'SASL_PLAINTEXT', BOTH: 'SASL_SSL' } as Partial<Record<Listener, string>>;
  return {
    listeners: `PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller},${own}`,
    'advertised.listeners': `PLAINTEXT://127.0.0.1:{port},${own}`,
    'listener.security.protocol.map': [
      'PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT',
      ...LISTENERS.map((name) => `${name}:${protocols[name] ?? 'SSL'}`),
    ].join(),
  };
}

function saslOf(listener: string): Record<string, string> {
  const prefix = `listener.name.${listener}`;
  const common = 'org.apache.kafka.common.security';
  const scram = `${common}.scram.ScramLoginModule required;`;
  const users = ['alice', 'bob'].map((name) => `user_${name}="${PASSWORDS[name as 'alice' | 'bob']}"`).join(' ');
  return {
    [`${prefix}.sasl.enabled.mechanisms`]: 'PLAIN,SCRAM-SHA-256,SCRAM-SHA-512',
    [`${prefix}.plain.sasl.jaas.config`]: `${common}.plain.PlainLoginModule required ${users};`,
    [`${prefix}.scram-sha-256.sasl.jaas.config`]: scram,
    [`${prefix}.scram-sha-512.sasl.jaas.config`]: scram,
  };
}

const keystoreOf = (listener: string, { both }: Pair): Record<string, string> => ({
  [`listener.name.${listener}.ssl.keystore.type`]: 'PEM',
  [`listener.name.${listener}.ssl.keystore.location`]: both,
});

/** A file that holds a password and the line end that editors leave. */
export async function passwordFile({ dir }: SecuredBroker, name: keyof typeof PASSWORDS): Promise<string> {
  const file = join(dir, `password-${name}`);
  await writeFile(file, `${PASSWORDS[name]}\n`);
  return file;
}
