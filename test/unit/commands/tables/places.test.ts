import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { findPlace, openTable } from '../../../../src/commands/tables/places.ts';
import type { Io } from '../../../../src/commands/terminal/io.ts';
import { invocation } from '../../../../src/commands/terminal/io.ts';
import { segmentd } from '../../../../testing/cli.ts';
import { tempDir } from '../../../../testing/temp-dir.ts';

const SILENT: Pick<Io, 'stdout' | 'stderr' | 'onInterrupt'> = {
  stdout: { write: () => true },
  stderr: { write: () => true },
  onInterrupt: () => () => undefined,
};
const call = (cwd: string, env: Record<string, string> = {}) => invocation({ ...SILENT, cwd, env });

/** A working folder with a configuration of the databases `lake` in a bucket, `sea` in another and `disk` in a folder. */
async function home() {
  const cwd = await tempDir();
  const config = join(cwd, 'segmentd.yaml');
  await writeFile(
    config,
    [
      'databases:',
      '  lake: {uri: "s3://bucket/lake", storage_options: {region: eu, access_key_id: a, secret_access_key: b}}',
      '  sea: {uri: "gs://bucket"}',
      '  disk: ./disk',
      'tables:',
      '  lake/t: {indexes: [{column: id}], stable_row_ids: rebuild}',
      '  disk/t: {indexes: [{column: name}]}',
    ].join('\n'),
  );
  return { cwd, config, io: call(cwd) };
}

describe('without a configuration', () => {
  test.each([
    ['t.lance', '/work/t.lance', true],
    ['lake', '/work/lake', false],
    ['lake/t', '/work/lake/t', false],
    ['s3://bucket/lake/', 's3://bucket/lake', false],
    ['S3://bucket/t.lance', 's3://bucket/t.lance', true],
    ['az://container/db/t.lance/', 'az://container/db/t.lance', true],
  ])('%s is %s', async (given, uri, isTable) => {
    const place = await findPlace(call('/work'), given, {});
    expect([place.uri, place.isTable, place.policyOf(uri)]).toEqual([uri, isTable, undefined]);
    expect(place.storeOf(uri).root).toBe(uri);
  });

  test('a store is opened with the options of the command line', async () => {
    const cwd = await tempDir();
    await writeFile(join(cwd, 'key'), 'from file\n');
    const storageOption = ['region=eu', 'access_key_id=a=b', 'secret_access_key_file=./key'];
    const place = await findPlace(call(cwd), 's3://bucket/lake', { storageOption });
    for (const uri of ['s3://bucket/lake', 's3://bucket/lake/t.lance']) {
      expect(place.storeOf(uri).engineOptions()).toEqual({
        aws_region: 'eu',
        aws_access_key_id: 'a=b',
        aws_secret_access_key: 'from file',
      });
    }
  });
});

describe('with a configuration', () => {
  test.each([
    ['lake', 's3://bucket/lake', false, 's3'],
    ['lake/t', 's3://bucket/lake/t.lance', true, 's3'],
    ['s3://bucket/lake/t.lance', 's3://bucket/lake/t.lance', true, 's3'],
    ['S3://bucket/lake/', 's3://bucket/lake', false, 's3'],
    ['sea', 'gs://bucket', false, 'gs'],
    ['sea/t', 'gs://bucket/t.lance', true, 'gs'],
  ])('%s is %s', async (given, uri, isTable, kind) => {
    const { io, config } = await home();
    const place = await findPlace(io, given, { config });
    expect([place.uri, place.isTable, place.storeOf(uri).kind]).toEqual([uri, isTable, kind]);
  });

  test('what lies in a database has its options, and a table its indexes', async () => {
    const { io, config } = await home();
    for (const given of ['lake/t', 's3://bucket/lake/t.lance', 'lake']) {
      const { storeOf, policyOf } = await findPlace(io, given, { config });
      const uri = 's3://bucket/lake/t.lance';
      expect(storeOf(uri).engineOptions()).toMatchObject({ aws_region: 'eu', aws_secret_access_key: 'b' });
      expect(policyOf(uri)).toMatchObject({ wanted: [{ column: 'id' }], stableRowIds: 'rebuild' });
      expect(policyOf('s3://bucket/lake/u.lance')).toMatchObject({ wanted: 'existing', stableRowIds: 'decline' });
      expect(policyOf('s3://bucket/lake2/t.lance')).toBeUndefined();
    }
  });

  test('a path to a table of a database has its indexes too', async () => {
    const { cwd, io, config } = await home();
    for (const given of ['disk/t', './disk/t.lance', 'disk/t.lance', join(cwd, 'disk', 't.lance')]) {
      const { table, policy } = await openTable(io, given, { config });
      expect([table.uri, policy?.wanted]).toMatchObject([join(cwd, 'disk', 't.lance'), [{ column: 'name' }]]);
    }
  });

  test('a place outside has neither', async () => {
    const { cwd, io, config } = await home();
    const uri = 's3://bucket/lake2/t.lance';
    const place = await findPlace(io, uri, { config });
    expect([place.storeOf(uri).engineOptions(), place.policyOf(uri)]).toEqual([{}, undefined]);
    for (const given of ['./lake', 'other', 'lake/../x', 'lake/a b']) {
      expect((await findPlace(io, given, { config })).uri).toBe(join(cwd, given));
    }
  });

  test('options of the command line join those of the database', async () => {
    const { io, config } = await home();
    const { storeOf } = await findPlace(io, 'lake', { config, storageOption: ['region=us', 'timeout=5s'] });
    expect(storeOf('s3://bucket/lake').engineOptions()).toMatchObject({
      aws_region: 'us',
      timeout: '5s',
      aws_access_key_id: 'a',
    });
    await expect(findPlace(io, 'lake', { config, storageOption: ['aws_region=us'] })).rejects.toThrow(
      expect.objectContaining({ code: 'usage', message: expect.stringContaining('means the same as region') }),
    );
  });
});

describe('refused, without a word of what may be secret, is', () => {
  const S3 = 's3://bucket/t.lance';
  test.each([
    [[S3, '--storage-option', 's3cret'], '--storage-option is written <name>=<value>'],
    [[S3, '--storage-option', 's3cret=='], '--storage-option is written <name>=<value>'],
    [[S3, '--storage-option', 'account_key s3cret=='], '--storage-option is written <name>=<value>'],
    [[S3, '--storage-option', 'session_token=s3cret\nx'], 'session_token: has a line break in it'],
    [[S3, '--storage-option', '=s3cret'], '--storage-option is written <name>=<value>'],
    [[S3, '--storage-option', 'colour=s3cret'], 'colour: is no storage option'],
    [[S3, '--storage-option', 'conditional_put=s3cret'], 'conditional_put: must be etag'],
    [[S3, '--storage-option', 'access_key_id=s3cret'], 'go together'],
    [[S3, '--storage-options=secret_access_key=s3cret'], "unknown option '--storage-options=…'"],
    [[S3, '--storage-options', 'secret_access_key=s3cret'], "unknown option '--storage-options'"],
    [['t.lance', '--storage-option', 'region=s3cret'], 'a local folder has no storage options'],
    [['s3://key:s3cret@bucket/t.lance'], 's3://…@bucket/t.lance: has a user in it'],
    [['s3://bucket/t.lance?sig=s3cret'], 's3://bucket/t.lance?…: has "?" in it'],
    [['s3+ddb://bucket/t.lance'], 's3+ddb:// is not supported'],
    [['s3://bucket/lake'], 's3://bucket/lake is no table'],
    [[''], 'is empty'],
  ])('%j', async (args, says) => {
    for (const command of ['index', 'verify', 'merge']) {
      const { code, stdout, stderr } = await segmentd([command, ...args]);
      expect([code, stdout, stderr]).toEqual([64, '', expect.stringContaining(says)]);
      expect(stderr).not.toContain('s3cret');
    }
  });
});

test('each option of a store is given by itself, so that what follows is not taken for one', async () => {
  const cwd = await tempDir();
  await mkdir(join(cwd, 'lake'));
  const { code, stderr } = await segmentd([
    'status',
    '--storage-option',
    'region=a',
    '--storage-option',
    'timeout=5s',
    cwd,
  ]);
  expect([code, stderr]).toEqual([64, expect.stringContaining('region: a local folder has no storage options')]);
  expect(stderr).toContain('timeout: a local folder has no storage options');
});
