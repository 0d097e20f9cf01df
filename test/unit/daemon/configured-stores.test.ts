import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../../src/config/load.ts';
import { storesOf } from '../../../src/daemon/configured-stores.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

test('what lies in a database is opened with its options', async () => {
  const home = await tempDir();
  const options = (region: string) => `storage_options: {region: ${region}}`;
  const databases = `{a: {uri: "s3://b/lake", ${options('eu')}}, b: {uri: "s3://b/lake2", ${options('us')}}, c: ${home}}`;
  const storeOf = storesOf(loadConfig({ env: { SEGMENTD_DATABASES: databases }, cwd: '/' }));
  const seen = ['s3://b/lake/t.lance', 's3://b/lake2/t.lance', 's3://b/lake2', join(home, 't.lance')].map((uri) => {
    const store = storeOf(uri);
    return [store.root, store.kind, store.engineOptions().aws_region ?? store.engineOptions().region];
  });
  expect(seen).toEqual([
    ['s3://b/lake/t.lance', 's3', 'eu'],
    ['s3://b/lake2/t.lance', 's3', 'us'],
    ['s3://b/lake2', 's3', 'us'],
    [join(home, 't.lance'), 'local', undefined],
  ]);
});
