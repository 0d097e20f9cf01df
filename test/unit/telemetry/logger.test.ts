import { expect, test } from 'vitest';
import type { LoggerOptions } from '../../../src/telemetry/logger.ts';
import { createLogger } from '../../../src/telemetry/logger.ts';

function capture(options: Partial<LoggerOptions> = {}) {
  const lines: string[] = [];
  const logger = createLogger({ level: 'info', format: 'json', write: (line) => lines.push(line), ...options });
  return { lines, logger };
}

test('lines are JSON with ISO time and level names', () => {
  const { lines, logger } = capture();
  logger.info({ event: 'x', table: 'a/b' }, 'hello');
  const record = JSON.parse(lines[0] as string);
  expect(record).toMatchObject({ level: 'info', event: 'x', table: 'a/b', msg: 'hello' });
  expect(new Date(record.time).toISOString()).toBe(record.time);
});

test('secrets are hidden, three levels deep', () => {
  const { lines, logger } = capture();
  logger.info({
    password: 'p1',
    sasl: { password: 'p2' },
    kafka: { sasl: { password: 'p3' } },
    storage_options: { key: 'p4' },
  });
  expect(lines[0]).not.toMatch(/p[1-4]"/);
});

test('an error of a library keeps its name, code and message, and no other field', () => {
  const { lines, logger } = capture();
  const error = Object.assign(new TypeError('no route', { cause: new Error('cable') }), { code: 'EROUTE', key: 'p1' });
  logger.warn({ error }, 'failed');
  logger.warn({ error: 'as text' }, 'failed');
  expect(lines.map((line) => JSON.parse(line).error)).toEqual([
    { name: 'TypeError', code: 'EROUTE', message: 'no route', cause: 'cable' },
    'as text',
  ]);
});

test('--quiet leaves warnings and errors, and never makes the log louder', () => {
  const quiet = capture({ quiet: true });
  quiet.logger.info('no');
  quiet.logger.warn('yes');
  expect(quiet.lines).toHaveLength(1);
  const silent = capture({ quiet: true, level: 'error' });
  silent.logger.warn('no');
  expect(silent.lines).toHaveLength(0);
});

test('pretty lines are for people', () => {
  const { lines, logger } = capture({ format: 'pretty' });
  logger.warn({ event: 'x', table: 'a/b', rows: 5, error: 'two words', list: [1] }, 'table declined');
  expect(lines[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} WARN {2}table declined table=a\/b rows=5 error="two words" list=\[1\]\n$/,
  );
});
