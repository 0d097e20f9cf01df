import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { TOKEN_PATTERN, tokenOf, tokenProblem, weakness } from '../../../src/lib/operators-token.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const FINE = ['0123456789abcdef', 'a', '!~', 'two words', '=/+-._~'];
const UNFIT = ['schlüssel', 'ключ', '\u{feff}token', 'tab\there', ' before', 'after ', 'bell\u0007', ''];

test('a token is what a request carries unchanged', async () => {
  const heard: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => response.end(String(heard.push(headers.authorization))));
  onTestFinished(() => void server.close());
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  for (const token of FINE) {
    expect(tokenProblem(token), token).toBeUndefined();
    await (await fetch(url, { headers: { authorization: `Bearer ${token}` } })).text();
  }
  expect(heard).toEqual(FINE.map((token) => `Bearer ${token}`));
});

test.each(UNFIT)('%j is none, in a value and in a file, and is not repeated', async (token) => {
  expect(tokenProblem(token)).toContain('no request carries');
  expect(new RegExp(TOKEN_PATTERN).test(token)).toBe(false);
  const file = join(await tempDir(), 'token');
  await writeFile(file, `${token || ' '}\n`);
  for (const read of [() => tokenOf(token, undefined), () => tokenOf(undefined, file)]) {
    expect(read).toThrow(expect.objectContaining({ code: 'config_invalid' }));
    if (token !== '') expect(read).not.toThrow(token);
  }
});

test('without a value and a file there is none', () => {
  expect(tokenOf(undefined, undefined)).toBeUndefined();
});

test('a token of fewer than 16 characters can be guessed', () => {
  expect(weakness('0123456789abcde')).toContain('fewer than 16');
  expect(weakness('0123456789abcdef')).toBeUndefined();
});
