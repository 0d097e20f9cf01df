import { Command, CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { atLeastOne, memoryOption, timeoutOption, versionNumber } from '../../../src/commands/arguments.ts';

test.each([versionNumber, atLeastOne])('%o takes whole numbers from 1', (parse) => {
  expect(['1', '42', '1234567890'].map(parse)).toEqual([1, 42, 1_234_567_890]);
  for (const wrong of ['0', '-1', '1.5', '1e3', ' 1', '01', '', 'one', '1'.repeat(16)]) {
    expect(() => parse(wrong), wrong).toThrow('whole number');
  }
});

/** The timeout that these arguments give, in milliseconds. */
function timeoutOf(...args: string[]): number {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  command.addOption(timeoutOption('how long to wait', 15));
  return command.parse(args, { from: 'user' }).opts().timeout;
}

test('a timeout is a number with its unit, and the default is shown as a person writes it', () => {
  expect([timeoutOf(), timeoutOf('--timeout', '500ms'), timeoutOf('--timeout', '2m')]).toEqual([15_000, 500, 120_000]);
  for (const wrong of ['30', 'soon', '-1s']) expect(() => timeoutOf('--timeout', wrong)).toThrow(CommanderError);
  const help = new Command().addOption(timeoutOption('how long to wait', 15)).helpInformation();
  expect(help.replaceAll(/\s+/g, ' ')).toContain('how long to wait, such as 500ms, 30s or 5m (default: 15s)');
});

/** The memory that these arguments give, in bytes. */
function memoryOf(...args: string[]): number | undefined {
  const command = new Command().exitOverride().configureOutput({ writeErr: () => undefined });
  return command.addOption(memoryOption()).parse(args, { from: 'user' }).opts().memory;
}

test('memory is a number with its unit, of 64MiB or more', () => {
  expect([memoryOf(), memoryOf('--memory', '64MiB'), memoryOf('--memory', '2GiB')]).toEqual([
    ...[undefined, 67_108_864, 2_147_483_648],
  ]);
  for (const wrong of ['1073741824', 'much', '-1GiB', '63.999MiB', '0GiB']) {
    expect(() => memoryOf('--memory', wrong), wrong).toThrow(CommanderError);
  }
});
