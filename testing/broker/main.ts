import { parseArgs } from 'node:util';
import { startOwnBroker } from './broker.ts';

const { values } = parseArgs({ options: { port: { type: 'string', default: '9092' } } });
const port = Number(values.port);
if (!Number.isInteger(port) || port < 1 || port > 65_535) throw new Error(`--port: ${values.port} is not a port`);

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const broker = await startOwnBroker({ port, log: say });
say(
  `Kafka listens on ${broker.bootstrap.join(',')}. Its data is in ${broker.dir} until it stops. Stop it with Ctrl-C.`,
);

let stopping = false;
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    if (stopping) return;
    stopping = true;
    broker.stop().catch((error: unknown) => {
      process.exitCode = 1;
      say(String(error));
    });
  });
}
