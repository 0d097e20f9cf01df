/** What the daemon adds to Kafka and to the work: from event to covered under load, and announcements a second. */
import { scenario } from '../harness/scenario.ts';
import { announcementWays, OWN, PLAIN_CONSUMER } from '../support/announcement-rates.ts';
import { brokerFor } from '../support/daemon-place.ts';
import { eventToCovered, HOP_AND_WORK, hopAndWork } from '../support/event-latency.ts';
import { BARE_LOOP, DAEMON } from '../support/followers.ts';
import { scatteredRows } from '../support/growing-table.ts';

export const pipeline = scenario({
  name: 'pipeline',
  what: 'milliseconds from an event to indexes that cover it, at so many appends a second, and announcements a second',
  sizes: {
    rates: [1, 10, 50],
    seconds: 20,
    rows: 1_000_000,
    appended: 1_000,
    announcements: 300_000,
    ...{ warmUp: 1, rounds: 3 },
  },
  quick: { seconds: 2, rows: 100_000, announcements: 30_000 },
  tables: {
    latency: {
      title:
        'From an event to covered, over a real broker, merges included: appends a second to a table with two BTREE indexes; what an append costs of the processors, and conflicts with other commits.',
      baseline: HOP_AND_WORK,
      units: { p50: 'ms', p99: 'ms', cpu: 'ms', conflicts: 'per append' },
      facts: ['cpu', 'conflicts'],
    },
    announcements: {
      title: 'Announcements a second that are read from the start of a topic.',
      baseline: PLAIN_CONSUMER,
      units: { rate: 'records/s' },
    },
  },
  async run(bench, { rates, seconds, rows, appended, announcements: events, warmUp, rounds }) {
    const brokers = await brokerFor(bench);
    if (!brokers) return;
    const size = { rows, rowsOf: scatteredRows, indexed: ['id', 'name'] };
    for (const rate of rates) {
      bench.step(`pipeline: ${rate} appends/s`);
      const load = { rate, seconds, appended };
      await bench.part(async (part) => {
        const ways = [await hopAndWork(part, brokers, size, load)];
        for (const kind of [BARE_LOOP, DAEMON]) ways.push(await eventToCovered(kind, part, brokers, size, load));
        await part.measure('latency', { 'appends/s': rate }, { warmUp, rounds, ways });
      });
    }
    for (const own of OWN) {
      bench.step(`pipeline: ${events.toLocaleString('en-US')} announcements, with ${own} of their own`);
      const ways = await announcementWays(bench, brokers, { events, own });
      await bench.measure('announcements', { 'each has': own }, { warmUp: 1, rounds, ways });
    }
  },
});
