/** No false alarm of the self-check: a table is read at the version of its commit while everything else happens to it. */
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { append, metric, tableAt } from './checked-tables.ts';
import { makeTable, makeWorld, openTable, until } from './world.ts';

test('appends, deletes, updates, compactions and cleanups beside the checks raise no alarm', async () => {
  const merge = { factor: 2, floor_rows: 10 };
  const world = await makeWorld({ verify: { sample_every: 1, samples: 20, evidence_dir: 'evidence' }, merge });
  await makeTable(world, 'people', 1_000);
  const daemon = await world.daemon();
  const right = () => metric(daemon.url, 'segmentd_self_checks_total{outcome="right"}');
  let [isOver, disturbed] = [false, 0];
  const disturb = async () => {
    const table = await openTable(world.database, 'people');
    const cleanup = { cleanupOlderThan: new Date(Date.now() + 60_000) };
    for (let at = 0; !isOver; at++) {
      // Another writer may be faster.
      const done = await (at % 4 === 3
        ? table.optimize(at % 16 === 15 ? cleanup : {})
        : at % 2 === 0
          ? table.delete(`id % 13 = ${at % 13}`)
          : table.update({ where: `id % 17 = ${at % 17}`, values: { name: `changed ${at}` } })
      ).then(
        () => 1,
        () => 0,
      );
      disturbed += done;
      await table.checkoutLatest();
      await sleep(20);
    }
  };
  const write = async () => {
    for (let from = 1_000; !isOver; from += 10) {
      await append(world, 'people', from);
      await sleep(50);
    }
  };
  const end = until('some were checked', async () => (await right()) >= 6).finally(() => {
    isOver = true;
  });
  await Promise.all([end, disturb(), write()]);
  expect(disturbed).toBeGreaterThan(3);
  // With what was logged, so that a failure says why.
  const told = world.log.filter(({ event }) => event === 'answerWrong' || event === 'selfCheckFailed');
  const counts = await Promise.all(
    ['wrong', 'failed'].map((outcome) => metric(daemon.url, `segmentd_self_checks_total{outcome="${outcome}"}`)),
  );
  expect({ told, counts }).toEqual({ told: [], counts: [0, 0] });
  expect((await tableAt(daemon.url, 'people'))?.state).not.toBe('paused');
  expect(await daemon.stop()).toBe(0);
});
