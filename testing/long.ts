/** Whether a test file runs in the project `long`, for `npm run test:all`, or in a shorter one, for `npm test`. */
// An augmentation needs the module to be imported in this file.
import { inject } from 'vitest';

declare module 'vitest' {
  interface ProvidedContext {
    long: boolean;
  }
}

export const LONG: boolean = inject('long');
