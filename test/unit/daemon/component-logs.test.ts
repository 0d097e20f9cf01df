import { expect, test } from 'vitest';
import { componentLogs } from '../../../src/daemon/component-logs.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

test('each line says which part of the daemon it is about', () => {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json', quiet: false, write: (line) => lines.push(line) });
  const { kafka, http, control } = componentLogs(logger);
  kafka('warn', 'one', { topic: 't' });
  http('info', 'two', {});
  control('error', 'three', { error: new Error('cause') });
  expect(lines.map((line) => JSON.parse(line))).toMatchObject([
    { level: 'warn', component: 'kafka', msg: 'one', topic: 't' },
    { level: 'info', component: 'http', msg: 'two' },
    { level: 'error', component: 'control', msg: 'three' },
  ]);
});
