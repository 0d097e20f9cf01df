/** Tables of a daemon that checks itself: appends to them, and what it says of them. */
import { people } from '../../../testing/people.ts';
import type { World } from './world.ts';
import { openTable } from './world.ts';

async function announce(world: World, table: string): Promise<void> {
  const value = Buffer.from(JSON.stringify({ table: `db/${table}` }));
  await world.producer.send(world.settings.topic, [{ key: Buffer.from(`db/${table}`), value }]);
}

/** Appends ten rows and announces them. */
export async function append(world: World, table: string, from: number): Promise<void> {
  await (await openTable(world.database, table)).add(people(from, 10));
  await announce(world, table);
}

/** What `/status` says of a table. */
export const tableAt = async (url: string, table: string) => {
  const page = (await (await fetch(`${url}/status`)).json()) as {
    tables: ({ table: string } & Record<string, unknown>)[];
  };
  return page.tables.find((it) => it.table === `db/${table}`);
};

/** The value of a series, NaN when there is none. */
export const metric = async (url: string, name: string) => {
  const page = await (await fetch(`${url}/metrics`)).text();
  return Number(
    page
      .split('\n')
      .find((line) => line.startsWith(`${name} `))
      ?.split(' ')[1] ?? Number.NaN,
  );
};
