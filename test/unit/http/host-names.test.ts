import { hostname } from 'node:os';
import { expect, test } from 'vitest';
import { isLoopback, isMeantForUs } from '../../../src/http/host-names.ts';

const OURS = [
  ...['127.0.0.1', '127.0.0.1:9464', '10.1.2.3:80', '[::1]', '[::1]:9464', '[fe80::1]:1'],
  ...['localhost', 'LocalHost:9464', 'localhost.', hostname(), `${hostname().toUpperCase()}:9464`],
  ...['lake.example.com', 'Lake.Example.com:443', 'lake.example.com.'],
];
const OTHERS = [
  ...[
    'evil.example',
    'evil.example:9464',
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    'xlocalhost',
    'a.localhost',
  ],
  ...[
    '[evil.example]',
    '[127.0.0.1]',
    '::1',
    '',
    ':9464',
    'localhost:9464:1',
    'localhost/',
    'a@localhost',
    ' localhost',
    '127.1',
  ],
  ...['x.lake.example.com', 'example.com', `${hostname()}.evil.example`],
];

test.each(OURS)('%j is this machine', (host) => {
  expect(isMeantForUs(host, ['lake.example.com'])).toBe(true);
});

test.each(OTHERS)('%j is another one', (host) => {
  expect(isMeantForUs(host, ['lake.example.com'])).toBe(false);
});

test('a request of HTTP 1.0 names no host, and is no browser’s', () => {
  expect(isMeantForUs(undefined, [])).toBe(true);
});

test('addresses that only their own machine reaches', () => {
  for (const address of ['127.0.0.1', '127.8.9.1', '::1', '::ffff:127.0.0.1']) expect(isLoopback(address)).toBe(true);
  for (const address of ['0.0.0.0', '::', '10.127.0.1', '::ffff:10.0.0.1', 'fe80::1']) {
    expect(isLoopback(address)).toBe(false);
  }
});
