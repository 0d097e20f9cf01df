import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Constant, because a fresh one would cost another start of the JVM and nothing here tells clusters apart. */
export const CLUSTER_ID = '5L6g3nShT-eMCtK--X86sw';

export type Ports = { readonly client: number; readonly controller: number };

/**
 * Writes `server.properties` and `log4j2.properties` into `dir`: one node that is broker and controller, small and quick.
 * `extra` overrides or adds keys; `{port}` and `{controller}` in its values stand for the chosen ports.
 */
export async function writeServerConfig(
  dir: string,
  ports: Ports,
  extra: Readonly<Record<string, string>>,
): Promise<void> {
  const merged: Record<string, string> = { ...defaults(dir, ports) };
  for (const [key, value] of Object.entries(extra)) {
    merged[key] = value.replaceAll('{port}', String(ports.client)).replaceAll('{controller}', String(ports.controller));
  }
  const lines = Object.entries(merged).map(([key, value]) => `${key}=${value}\n`);
  await writeFile(join(dir, 'server.properties'), lines.join(''));
  await writeFile(join(dir, 'log4j2.properties'), LOG4J);
}

const defaults = (dir: string, ports: Ports): Record<string, string> => ({
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.quorum.voters': `1@127.0.0.1:${ports.controller}`,
  'controller.listener.names': 'CONTROLLER',
  listeners: `PLAINTEXT://127.0.0.1:${ports.client},CONTROLLER://127.0.0.1:${ports.controller}`,
  'advertised.listeners': `PLAINTEXT://127.0.0.1:${ports.client}`,
  'inter.broker.listener.name': 'PLAINTEXT',
  'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,SSL:SSL',
  'log.dirs': join(dir, 'data'),
  // A single node: the internal topics cannot have their three replicas.
  'offsets.topic.replication.factor': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  // Joining a group waits three seconds by default for members that tests do not have.
  'group.initial.rebalance.delay.ms': '0',
  'group.min.session.timeout.ms': '1000',
  // After a crash the node waits until its own old registration has run out: nine seconds by default.
  'broker.session.timeout.ms': '1500',
  'broker.heartbeat.interval.ms': '500',
  'num.network.threads': '1',
  'num.io.threads': '2',
  'background.threads': '2',
  'num.replica.fetchers': '1',
  'num.recovery.threads.per.data.dir': '1',
  'group.coordinator.threads': '1',
  'share.coordinator.threads': '1',
  // The default takes 128 MiB of heap at start.
  'log.cleaner.dedupe.buffer.size': '2097152',
  'log.index.size.max.bytes': '1048576',
  'auto.create.topics.enable': 'false',
});

const LOG4J = `status=error
shutdownHook=disable
appender.c.type=Console
appender.c.name=C
appender.c.layout.type=PatternLayout
appender.c.layout.pattern=[%d] %p %m (%c)%n
rootLogger.level=warn
rootLogger.appenderRef.c.ref=C
logger.s.name=kafka.server.KafkaRaftServer
logger.s.level=info
`;
