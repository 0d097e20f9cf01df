import { expect, test } from 'vitest';
import { isConfigured } from '../../../src/lib/is-configured.ts';

test.each([
  [undefined, {}, false],
  [undefined, { SEGMENTD_CONFIG: '', SEGMENTD_DATABASES: '' }, false],
  ['x.yaml', {}, true],
  [undefined, { SEGMENTD_CONFIG: 'x.yaml' }, true],
  [undefined, { SEGMENTD_DATABASES: '{lake: /lake}' }, true],
])('-c %s with %j: %s', (file, env, configured) => {
  expect(isConfigured(file, env)).toBe(configured);
});
