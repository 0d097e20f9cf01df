import { expect, test } from 'vitest';
import { withoutValues } from '../../../src/lib/without-values.ts';

test('no value is left, wherever it stands, and short words are', () => {
  const text = 'Headers.append: "Bearer s3cr3t.token" is not allowed (s3cr3t.token, true)';
  expect(withoutValues(text, ['s3cr3t.token', 'true'])).toBe(
    'Headers.append: "Bearer [hidden]" is not allowed ([hidden], true)',
  );
  expect(withoutValues('nothing to hide', [])).toBe('nothing to hide');
});
