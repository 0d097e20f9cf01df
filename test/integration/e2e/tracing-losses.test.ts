/** Collectors that take no spans. */
import { expect, test } from 'vitest';
import { people } from '../../../testing/people.ts';
import { AT_ONCE, announce, collector } from './tracing.ts';
import type { World } from './world.ts';
import { covered, makeTable, makeWorld, openTable, until } from './world.ts';

/** Appends ten people, and waits until they are indexed. */
async function appendAndWait(world: World, first: number): Promise<void> {
  const { version } = await (await openTable(world.database, 'people')).add(people(first, 10));
  await announce(world, { table: 'db/people', version }, {});
  await until('it is covered', () => covered(world, 'people'));
}
const losses = ({ log }: World) => log.filter(({ event }) => event === 'tracesLost');

test('a collector that is not there holds nothing up: tables are served, and the log says what is lost', async () => {
  const gone = await collector();
  await gone.close();
  const world = await makeWorld({ tracing: { enabled: true, endpoint: gone.url } });
  await makeTable(world, 'people', 100);
  const daemon = await world.daemon({ ...AT_ONCE, OTEL_EXPORTER_OTLP_TIMEOUT: '500' });
  await appendAndWait(world, 100);
  await until('the loss is told', () => losses(world).length > 0);
  expect(losses(world)[0]).toMatchObject({ level: 'warn', error: expect.stringContaining('ECONNREFUSED') });
  await appendAndWait(world, 110);
  expect(await daemon.stop()).toBe(0);
});

test('a collector that never answers holds up a stop for two seconds and no longer, and that is told', async () => {
  const silent = await collector({ answers: false });
  const world = await makeWorld({ tracing: { enabled: true, endpoint: silent.url } });
  await makeTable(world, 'people', 100);
  const hour = { OTEL_EXPORTER_OTLP_TIMEOUT: '3600000', OTEL_BSP_EXPORT_TIMEOUT: '3600000' };
  const daemon = await world.daemon({ ...AT_ONCE, ...hour });
  await appendAndWait(world, 100);
  await until('spans were sent', () => silent.requests.length > 0);
  await appendAndWait(world, 110);
  expect(await daemon.stop()).toBe(0);
  expect(losses(world)).toMatchObject([{ spans: expect.any(Number), error: expect.stringContaining('2000 ms') }]);
});
