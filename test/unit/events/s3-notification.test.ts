import { expect, test } from 'vitest';
import type { WrittenManifest } from '../../../src/events/s3-notification.ts';
import { isS3Notification, s3AppendEvents } from '../../../src/events/s3-notification.ts';
import { SegmentdError } from '../../../src/lib/errors.ts';

const databases = new Map([
  ['local', '/data/lake'],
  ['cloud', 's3://bucket/lake'],
  ['whole', 's3://whole-bucket/'],
  ['spaced', 's3://bucket/my lake'],
  ['plus', 's3://bucket/c++/lake'],
  ['umlaut', 's3://bucket/über'],
]);
const V2_OF_42 = '18446744073709551573.manifest';
const cloudTable = { id: 'cloud/t', database: 'cloud', name: 't', uri: 's3://bucket/lake/t.lance' };

type Change = { eventName?: unknown; bucket?: unknown; eTag?: unknown; [name: string]: unknown };
const record = (key: unknown, { eventName = 'ObjectCreated:Put', bucket = 'bucket', eTag, ...rest }: Change = {}) => ({
  eventName,
  s3: { bucket: { name: bucket }, object: { key, ...(eTag !== undefined && { eTag }) } },
  ...rest,
});
const read = (...records: unknown[]) => s3AppendEvents(databases, { Records: records });
const outcome = (action: () => readonly unknown[]): unknown => {
  try {
    return action();
  } catch (error) {
    return error instanceof SegmentdError ? error.code : `threw ${error}`;
  }
};

test('what AWS sends', () => {
  const sent = {
    ...record(`lake/t.lance/_versions/${V2_OF_42}`, { eventName: 'ObjectCreated:CompleteMultipartUpload' }),
    eventVersion: '2.1',
    eventSource: 'aws:s3',
    awsRegion: 'us-east-1',
    eventTime: '2026-03-01T09:00:00.000Z',
    responseElements: { 'x-amz-request-id': 'C3D13FE58DE4C810', 'x-amz-id-2': 'FMyUVURIY8' },
  };
  expect(read(sent)).toEqual([
    { table: cloudTable, version: 42, id: 'C3D13FE58DE4C810', time: '2026-03-01T09:00:00.000Z', producer: 'aws:s3' },
  ]);
});

test('what MinIO sends: slashes escaped, names with s3: in front, the key once more on top', () => {
  const key = 'lake%2Ft.lance%2F_versions%2F7.manifest';
  const notification = {
    EventName: 's3:ObjectCreated:Put',
    Key: 'bucket/lake/t.lance/_versions/7.manifest',
    Records: [record(key, { eventName: 's3:ObjectCreated:Put', eventSource: 'minio:s3' })],
  };
  expect(isS3Notification(notification)).toBe(true);
  expect(s3AppendEvents(databases, notification)).toEqual([{ table: cloudTable, version: 7, producer: 'minio:s3' }]);
});

test('what Ceph sends: keys as they are', () => {
  const sent = {
    ...record(`c++/lake/t.lance/_versions/${V2_OF_42}`, { eTag: '37b51d194a7513e45b56f6524f2d51f2' }),
    eventVersion: '2.1',
    eventSource: 'ceph:s3',
    awsRegion: 'zonegroup1',
    eventTime: '2026-03-01T09:00:00.124724Z',
    responseElements: { 'x-amz-request-id': '503a4c37-85eb.5330.903595', 'x-amz-id-2': '14d2-zone1-zonegroup1' },
    eventId: '1772355600.124724.37b51d19',
    opaqueData: '',
  };
  const table = { id: 'plus/t', database: 'plus', name: 't', uri: 's3://bucket/c++/lake/t.lance' };
  const provenance = { id: '503a4c37-85eb.5330.903595', time: '2026-03-01T09:00:00.124724Z', producer: 'ceph:s3' };
  expect(read(sent)).toEqual([{ table, version: 42, ...provenance }]);
});

test('what versitygw sends: keys as they are, an ETag in quotation marks, an empty request id', () => {
  const eTag = '"81dc9bdb52d04dc20036dbd8313ed055"';
  const sent = {
    ...record(`lake/t.lance/_versions/${V2_OF_42}`, { eventName: 's3:ObjectCreated:Put', eTag }),
    eventVersion: '2.2',
    eventSource: 'aws:s3',
    eventTime: '2026-03-01T09:00:00Z',
    responseElements: { 'x-amz-request-id': '', 'x-amz-id-2': '' },
    glacierEventData: { restoreEventData: { lifecycleRestorationExpiryTime: '', lifecycleRestoreStorageClass: '' } },
  };
  const etags: (string | undefined)[] = [];
  const events = s3AppendEvents(databases, { Records: [sent] }, ({ etag }) => {
    etags.push(etag);
    return false;
  });
  expect(events).toEqual([{ table: cloudTable, version: 42, time: '2026-03-01T09:00:00Z', producer: 'aws:s3' }]);
  expect(etags).toEqual(['81dc9bdb52d04dc20036dbd8313ed055']);
});

test.each([
  ['a1', 'a1'],
  ['"a1"', 'a1'],
  ['"a1-5"', 'a1-5'],
  ['"', '"'],
])('the ETag %j is %j without quotation marks', (eTag, bare) => {
  const asked: WrittenManifest[] = [];
  const notification = { Records: [record('lake/t.lance/_versions/7.manifest', { eTag })] };
  s3AppendEvents(databases, notification, (written) => asked.push(written) > 1);
  expect(asked).toEqual([{ table: cloudTable, version: 7, etag: bare }]);
});

test.each([{}, { eTag: null }, { eTag: '' }, { eTag: '""' }, { eTag: 7 }])('%j tells no ETag', (object) => {
  const sent = record('lake/t.lance/_versions/7.manifest');
  const told = { ...sent, s3: { ...sent.s3, object: { ...sent.s3.object, ...object } } };
  const asked: WrittenManifest[] = [];
  s3AppendEvents(databases, { Records: [told] }, (written) => asked.push(written) > 1);
  expect(asked).toEqual([{ table: cloudTable, version: 7 }]);
});

test.each(['Put', 'Post', 'Copy', 'CompleteMultipartUpload', '*'])('ObjectCreated:%s names an append', (how) => {
  for (const eventName of [`ObjectCreated:${how}`, `s3:ObjectCreated:${how}`]) {
    expect(read(record('lake/t.lance/_versions/7.manifest', { eventName }))).toHaveLength(1);
  }
});

test.each([
  ['c++/lake/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/c++/lake/t.lance', 1],
  ['c%2B%2B/lake/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/c++/lake/t.lance', 1],
  ['c%2B%2B%2Flake%2Ft.lance%2F_versions%2F1.manifest', 'bucket', 's3://bucket/c++/lake/t.lance', 1],
  ['my lake/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/my lake/t.lance', 1],
  ['über/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/über/t.lance', 1],
  ['%C3%BCber%2Ft.lance%2F_versions%2F1.manifest', 'bucket', 's3://bucket/über/t.lance', 1],
  ['lake/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/lake/t.lance', 1],
  [`lake/t.lance/_versions/${V2_OF_42}`, 'bucket', 's3://bucket/lake/t.lance', 42],
  ['t.lance/_versions/1.manifest', 'whole-bucket', 's3://whole-bucket/t.lance', 1],
  ['my+lake/t.lance/_versions/1.manifest', 'bucket', 's3://bucket/my lake/t.lance', 1],
  ['my%20lake/%74.lance/_versions/1.manifest', 'bucket', 's3://bucket/my lake/t.lance', 1],
])('%s in %s', (key, bucket, uri, version) => {
  const events = read(record(key, { bucket }));
  expect(events.map(({ table, version: found }) => [table.uri, found])).toEqual([[uri, version]]);
});

test.each([
  'lake/t.lance/data/0b9e7b55.lance',
  'lake/t.lance/_transactions/6-0b9e7b55.txn',
  'lake/t.lance/_indices/0b9e7b55/page_data.lance',
  'lake/t.lance/_versions/latest_version_hint.json',
  'lake/t.lance/_versions/d9223372036854775810.manifest',
  'lake/t.lance/_versions/.tmp_7.manifest',
  'lake/t.lance/_versions/7.manifest.tmp',
  'lake/t.lance/_versions/7.manifest-0b9e7b55',
  'lake/t.lance/_versions/7.manifest#1',
  'lake/t.lance/_versions/',
  'lake/t.lance/_versions',
  'lake/t.lance/_versions/7.manifest/',
  'lake/t.lance/tree/dev/_versions/7.manifest',
  'lake/t.lance/tree/team/dev/_versions/7.manifest',
  'c++/lake/t.lance/tree/dev/_versions/7.manifest',
  'c%2B%2B%2Flake%2Ft.lance%2Ftree%2Fdev%2F_versions%2F7.manifest',
  'lake/t.lance/data/50%.lance',
  'lake/100%/readme+more.txt',
  '_versions/7.manifest',
  'readme.txt',
  '',
])('%s names no append', (key) => {
  expect(read(record(key))).toEqual([]);
});

test.each([
  'ObjectRemoved:Delete',
  's3:ObjectRemoved:DeleteMarkerCreated',
  's3:ObjectAccessed:Get',
  'ObjectRestore:Completed',
  'XObjectCreated:Put',
  '',
])('%j names no append', (eventName) => {
  expect(read(record('lake/t.lance/_versions/7.manifest', { eventName }))).toEqual([]);
});

test('the test event and an empty notification ask for nothing', () => {
  const sent = { Service: 'Amazon S3', Event: 's3:TestEvent', Time: '2026-03-01T09:00:00.000Z', Bucket: 'bucket' };
  expect(isS3Notification(sent)).toBe(true);
  expect(s3AppendEvents(databases, sent)).toEqual([]);
  expect(read()).toEqual([]);
});

test('an object that names a table is no notification, nor is anything that is no object', () => {
  for (const data of [{ table: 'a/b', Records: [] }, { table: 1, Event: 's3:TestEvent' }, {}, [], null, 'Records', 1]) {
    expect(isS3Notification(data)).toBe(false);
  }
  expect(isS3Notification({ Records: {} })).toBe(false);
  expect(isS3Notification(JSON.parse('{"__proto__":{"Records":[]}}'))).toBe(false);
});

test.each([
  ['event_table_outside', 'other/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', 'lake2/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', 'lake/t.lance/_versions/1.manifest', 'Bucket'],
  ['event_table_outside', 'lake/t.lance/_versions/1.manifest', 'bucket2'],
  ['event_table_outside', '/lake/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', '/data/lake/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', '../bucket/lake/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', 'other/t.lance/tree/dev/_versions/1.manifest', 'bucket'],
  ['event_table_outside', '..%2F..%2Fetc/x.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/../t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%2e%2e/x/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%252e%252e.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/...lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/../x.lance/tree/dev/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake//t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/a/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t.LANCE/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t.lance/_versions/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t.lance/_versions/../_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t%00.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%D1%82.lance/_versions/1.manifest', 'bucket'], // Cyrillic te
  ['event_table_invalid', 'lake/t%E2%81%84x.lance/_versions/1.manifest', 'bucket'], // fraction slash
  ['event_table_invalid', 'lake/t+x.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/t%5Cx.lance/_versions/1.manifest', 'bucket'],
  ['event_invalid', 't.lance/_versions/1.manifest', 'bucket/lake'],
  ['event_invalid', 'lake/t.lance/_versions/1.manifest', '..'],
  ['event_invalid', 'lake/t.lance/_versions/1.manifest', ''],
  ['event_invalid', 'lake/t.lance/_versions/1.manifest', 'bucket\0'],
  ['event_invalid', 'lake/t.lance/_versions/1.manifest', 7],
  ['event_invalid', 'lake/t.lance/_versions/0.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%c0%ae%c0%ae/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_invalid', 'lake/%ED%A0%80.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', 'c++/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', '100%/t.lance/_versions/1.manifest', 'bucket'],
  ['event_table_outside', 'c++/other/t.lance/tree/dev/_versions/1.manifest', 'bucket'],
  ['event_invalid', `lake/${'a'.repeat(3_072)}.lance/_versions/1.manifest`, 'bucket'],
  ['event_invalid', null, 'bucket'],
])('%s, case %#: %j in %j', (code, key, bucket) => {
  expect(outcome(() => read(record(key, { bucket })))).toBe(code);
});

test('a bucket never leads to a local database', () => {
  const local = new Map([['local', '/data/lake']]);
  for (const key of ['data/lake/t.lance', '/data/lake/t.lance', 'lake/t.lance']) {
    const notification = { Records: [record(`${key}/_versions/1.manifest`)] };
    expect(outcome(() => s3AppendEvents(local, notification))).toBe('event_table_outside');
  }
});

test.each<[string, unknown]>([
  ['a record that is not one', [null]],
  ['a record of another service', [{ eventSource: 'aws:sns', Sns: {} }]],
  ['a name of the wrong type', [record('k', { eventName: 1 })]],
  ['no object', [{ eventName: 'ObjectCreated:Put', s3: { bucket: { name: 'bucket' } } }]],
  ['too many records', Array.from({ length: 1_001 }, () => record('k'))],
])('%s is refused', (_, records) => {
  expect(outcome(() => s3AppendEvents(databases, { Records: records }))).toBe('event_invalid');
});

test('strange provenance is left out or cut, it does not refuse the event', () => {
  const sent = {
    ...record('lake/t.lance/_versions/7.manifest', { eTag: 5 }),
    eventTime: 17,
    eventSource: 'x'.repeat(9_000),
    responseElements: 'none',
  };
  expect(read(sent)).toEqual([{ table: cloudTable, version: 7, producer: 'x'.repeat(256) }]);
});

test('several records are one event per table, of its latest version; one bad record refuses them all', () => {
  const events = read(
    record('lake/t.lance/_versions/7.manifest'),
    record('lake/t.lance/_versions/9.manifest'),
    record('lake/u.lance/_versions/1.manifest'),
    record('lake/t.lance/_versions/8.manifest'),
    record('lake/t.lance/_versions/9.manifest', { eventName: 'ObjectRemoved:Delete' }),
  );
  expect(events.map(({ table, version }) => [table.id, version])).toEqual([
    ['cloud/t', 9],
    ['cloud/u', 1],
  ]);
  const bad = record('other/t.lance/_versions/1.manifest');
  expect(outcome(() => read(record('lake/t.lance/_versions/7.manifest'), bad))).toBe('event_table_outside');
});

test('own commits are left out, others of the same notification are not', () => {
  const asked: WrittenManifest[] = [];
  const isOwnCommit = (written: WrittenManifest) => {
    asked.push(written);
    return written.version === 9 && written.etag === 'ours';
  };
  const notification = {
    Records: [
      record('lake/t.lance/_versions/8.manifest', { eTag: 'theirs' }),
      record('lake/t.lance/_versions/9.manifest', { eTag: 'ours' }),
    ],
  };
  expect(s3AppendEvents(databases, notification, isOwnCommit)).toEqual([{ table: cloudTable, version: 8 }]);
  expect(asked).toEqual([
    { table: cloudTable, version: 8, etag: 'theirs' },
    { table: cloudTable, version: 9, etag: 'ours' },
  ]);
  const again = { Records: [record('lake/t.lance/_versions/9.manifest', { eTag: 'made anew' })] };
  expect(s3AppendEvents(databases, again, isOwnCommit)).toEqual([{ table: cloudTable, version: 9 }]);
});

test('the folder of a table with namespaces has another name; its branches and the catalog itself are no appends', () => {
  const uri = 's3://bucket/lake/775d8cd1_ns$t';
  const listed = {
    changes: 0,
    locationOf: (_: string, name: string) => (name === 'ns$t' ? '775d8cd1_ns$t' : undefined),
    nameOf: () => 'ns$t',
  };
  const known = Object.assign(new Map(databases), { listed });
  const table = { id: 'cloud/ns$t', database: 'cloud', name: 'ns$t', uri };
  for (const key of ['lake/775d8cd1_ns$t', 'lake/775d8cd1_ns%24t', 'lake%2F775d8cd1_ns%24t']) {
    const notification = { Records: [record(`${key}/_versions/7.manifest`)] };
    expect(s3AppendEvents(known, notification)).toEqual([{ table, version: 7 }]);
  }
  // Not listed yet: by the name in its folder, at a place where no table is.
  expect(read(record('lake/775d8cd1_ns$t/_versions/7.manifest'))).toEqual([
    { table: { ...table, uri: 's3://bucket/lake/ns$t' }, version: 7 },
  ]);
  for (const key of ['lake/775d8cd1_ns$t/tree/dev', 'lake/__manifest', '__manifest']) {
    expect(read(record(`${key}/_versions/7.manifest`))).toEqual([]);
  }
  expect(outcome(() => read(record('lake/775d8cd1_ns$../_versions/7.manifest')))).toBe('event_table_invalid');
});
