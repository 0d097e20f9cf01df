import { expect, test } from 'vitest';
import { sharedClients } from '../../../src/store/shared-clients.ts';

type Settings = { region: string; key?: string | undefined };

function counted() {
  const made: Settings[] = [];
  return {
    made,
    clientsOf: sharedClients(async (settings: Settings) => {
      made.push(settings);
      return { settings };
    }),
  };
}

test('the same settings have the same clients, also while they are being made', async () => {
  const { made, clientsOf } = counted();
  const [first, second] = await Promise.all([clientsOf({ region: 'a' }), clientsOf({ region: 'a', key: undefined })]);
  expect(second).toBe(first);
  expect(await clientsOf({ region: 'b' })).not.toBe(first);
  expect(made).toHaveLength(2);
});

test('a secret that was renewed makes new ones', async () => {
  const { made, clientsOf } = counted();
  const first = await clientsOf({ region: 'a', key: 'old' });
  expect(await clientsOf({ region: 'a', key: 'new' })).not.toBe(first);
  expect(made).toHaveLength(2);
});

test('what could not be made is tried again', async () => {
  let tries = 0;
  const clientsOf = sharedClients(async () => {
    tries += 1;
    if (tries === 1) throw new Error('no file');
    return tries;
  });
  await expect(clientsOf({})).rejects.toThrow('no file');
  expect(await clientsOf({})).toBe(2);
});

test('of very many the one that nobody asked for the longest is forgotten', async () => {
  const { made, clientsOf } = counted();
  for (let at = 0; at < 100; at++) await clientsOf({ region: `${at}` });
  await clientsOf({ region: '0' });
  await clientsOf({ region: '100' });
  made.length = 0;
  await clientsOf({ region: '0' });
  expect(made).toEqual([]);
  await clientsOf({ region: '1' });
  expect(made).toEqual([{ region: '1' }]);
});
