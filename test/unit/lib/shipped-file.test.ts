import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { shippedFile } from '../../../src/lib/shipped-file.ts';

test('is found from the root of the package', () => {
  expect(JSON.parse(readFileSync(shippedFile('package.json'), 'utf8'))).toMatchObject({ name: 'segmentd' });
});
