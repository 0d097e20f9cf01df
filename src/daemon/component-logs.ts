/** Log lines that are no events of telemetry: each says which part of the daemon it is about. */
import type { KafkaLog } from '../kafka/client.ts';
import type { Logger } from '../telemetry/logger.ts';

export type ComponentLog = KafkaLog;

/** `http`: the listeners. `control`: what is done without an event, such as the sweep. */
export type ComponentLogs = Readonly<Record<'kafka' | 'http' | 'control', ComponentLog>>;

export function componentLogs(logger: Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>): ComponentLogs {
  const logOf = (component: string): ComponentLog => {
    return (level, message, fields) => logger[level]({ ...fields, component }, message);
  };
  return { kafka: logOf('kafka'), http: logOf('http'), control: logOf('control') };
}
