/** The configuration of a daemon that reaches the broker by a secure way, and a search for what must not leak. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { parse, stringify } from 'yaml';
import { segmentdProcess as segmentd } from '../../../testing/cli.ts';
import { people } from '../../../testing/people.ts';
import type { Member } from '../chaos/member.ts';
import { makeRoughWorld } from '../chaos/rough-world.ts';
import type { World } from '../e2e/world.ts';
import { covered, makeTable, openTable, until } from '../e2e/world.ts';
import { PASSWORDS } from './secured-broker.ts';

export type KafkaOptions = Readonly<Record<string, unknown>>;

/** A world whose topics and tests use the open listener. */
export const makeOpenWorld = (brokers: readonly string[]) =>
  makeRoughWorld({ brokers, partitions: 1, options: { log: { level: 'trace' } } });

/** A configuration like the world's with `kafka` over it; the path of the file. */
export async function secureConfig({ home, configFile }: World, name: string, kafka: KafkaOptions): Promise<string> {
  const config = parse(await readFile(configFile, 'utf8')) as { kafka: object };
  const file = join(home, `${name}.yaml`);
  await writeFile(file, stringify({ ...config, kafka: { ...config.kafka, ...kafka } }));
  return file;
}

/** An append that is announced by the command line, over the secure way, and covered by the daemon. */
export async function appendIsCovered(world: World, file: string, env: Record<string, string> = {}): Promise<string> {
  await makeTable(world, 'people', 50);
  await (await openTable(world.database, 'people')).add(people(50, 10));
  const announced = await segmentd(['announce', 'db/people', '-c', file], env);
  expect(announced).toMatchObject({ code: 0, stderr: '' });
  await until('the append is covered', () => covered(world, 'people'));
  const printed = await segmentd(['config', 'print', '-c', file], env);
  expect(printed).toMatchObject({ code: 0, stderr: '' });
  return announced.stdout + printed.stdout;
}

/** All output of a member that runs: log, metrics, status. */
export const toldBy = async (member: Member): Promise<string> => `${await member.metrics()}\n${member.output()}`;

/** The forms in which a password could turn up: as it is, and as the bytes that go to the broker. */
function formsOf(user: string, password: string): string[] {
  const plain = Buffer.from(`\0${user}\0${password}`);
  const bytes = Buffer.from(password);
  return [
    password,
    bytes.toString('base64').replace(/=+$/, ''),
    plain.toString('base64').replace(/=+$/, ''),
    bytes.toString('hex'),
    [...bytes].join(),
  ];
}

/** Searches `text` for every password of the tests, in every form. */
export function expectNoPassword(text: string): void {
  for (const password of Object.values(PASSWORDS)) {
    for (const user of ['alice', 'bob']) {
      for (const form of formsOf(user, password)) expect(text).not.toContain(form);
    }
  }
}

/** Searches `text` for the lines of a private key. */
export async function expectNoKey(text: string, file: string): Promise<void> {
  const lines = (await readFile(file, 'utf8')).split('\n').filter((line) => line.length > 40 && !line.startsWith('-'));
  expect(lines.length).toBeGreaterThan(10);
  for (const line of lines) expect(text).not.toContain(line);
}
