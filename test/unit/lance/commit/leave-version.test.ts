import { beforeEach, describe, expect, test } from 'vitest';
import { encodeCreateIndex } from '../../../../src/lance/codec/transaction.ts';
import { commitChange } from '../../../../src/lance/commit/commit-change.ts';
import { isLeftToLance } from '../../../../src/lance/commit/leave-version.ts';
import { LanceTable } from '../../../../src/lance/table/table.ts';
import { localStore } from '../../../../src/store/local-store.ts';
import type { ManifestSpec } from '../manifest-fixture.ts';
import { message, uuidText } from '../manifest-fixture.ts';
import type { TableFolder } from '../table-fixture.ts';
import { tableFolder, uploadedSegment } from '../table-fixture.ts';

const interval = (value: string): ManifestSpec => ({
  more: [[16, message([1, 'lance.auto_cleanup.interval'], [2, value])]],
});

const BASE: ManifestSpec = {
  version: 5,
  fragments: [{ id: 0 }, { id: 1 }],
  indexes: [{ uuid: 1, fragments: [0] }],
  ...interval('3'),
};

const latestOf = async (spec: ManifestSpec) => {
  const folder = await tableFolder({ version: 5, ...spec });
  return new LanceTable(localStore(folder.root)).latest();
};

describe('the version after this one is', () => {
  test.each<[string, ManifestSpec, boolean]>([
    ['left when the interval divides it', { ...interval('3') }, true],
    ['taken when it does not', { ...interval('4') }, false],
    ['taken when there is no interval', {}, false],
    ['taken when each commit of Lance cleans up', { ...interval('1') }, false],
    ['taken when all of them always do', { ...interval('0') }, false],
    ['taken when the interval is no number', { ...interval('-6') }, false],
    [
      'taken in a table with a type that the engine cannot parse',
      { ...interval('3'), schema: [{ id: 0, name: 'id', type: 'timestamp:us:+05:30' }] },
      false,
    ],
    [
      'taken in a table with files that it cannot read',
      { ...interval('3'), dataFormat: '2.3', fragments: [{ id: 0, files: [{ path: 'f0', minor: 3 }] }] },
      false,
    ],
  ])('%s', async (_, spec, left) => {
    expect(isLeftToLance(await latestOf(spec))).toBe(left);
  });
});

describe('a commit', () => {
  let folder: TableFolder;
  const table = () => new LanceTable(localStore(folder.root));

  beforeEach(async () => {
    folder = await tableFolder(BASE);
  });

  /** Another writer's version, or one of Lance's without a change. */
  const nextVersion = async () => {
    const version = ((await folder.versions()).at(-1) ?? 0) + 1;
    const transaction = encodeCreateIndex({
      uuid: `${version}`,
      readVersion: 1,
      added: [],
      removed: [],
      properties: {},
    });
    await folder.write({ ...BASE, version, transaction });
  };

  const commit = async (commitNothing: () => Promise<void>) =>
    commitChange(
      table(),
      {
        base: await table().latest(),
        addSegments: [await uploadedSegment(folder, [1])],
        removeSegments: [],
        durable: Promise.resolve(),
        transactionUuid: uuidText(7),
        properties: {},
      },
      { maxAttempts: 1, initialBackoffMs: 1, writer: { library: 'segmentd', version: '0.0.0' }, commitNothing },
    );

  test('leaves such a version to Lance, and lands on the next in the same attempt', async () => {
    expect(await commit(nextVersion)).toMatchObject({ kind: 'landed', version: 7, attempts: 1 });
    expect(await folder.versions()).toEqual([5, 6, 7]);
  });

  test('leaves the next one too, when others were faster', async () => {
    let calls = 0;
    const beside = async () => {
      calls += 1;
      for (let versions = calls === 1 ? 3 : 1; versions > 0; versions--) await nextVersion();
    };
    expect(await commit(beside)).toMatchObject({ kind: 'landed', version: 10 });
    expect(calls).toBe(2);
  });

  test('takes its turn when others are faster again and again', async () => {
    const beside = async () => {
      for (let versions = 3; versions > 0; versions--) await nextVersion();
    };
    expect(await commit(beside)).toMatchObject({ kind: 'landed', version: 15 });
  });

  test('lands all the same when the engine fails', async () => {
    const failing = () => Promise.reject(new Error('panic'));
    expect(await commit(failing)).toMatchObject({ kind: 'landed', version: 6 });
  });

  test('asks nothing of the engine on other versions', async () => {
    await nextVersion();
    let calls = 0;
    const counted = async () => {
      calls += 1;
    };
    expect(await commit(counted)).toMatchObject({ kind: 'landed', version: 7 });
    expect(calls).toBe(0);
  });
});
