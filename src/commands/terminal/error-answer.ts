/** What `--json` prints of an error. */
import type { ErrorCode, SegmentdError } from '../../lib/errors.ts';

/** In place of an answer, whichever command fails. */
export type ErrorAnswer = {
  readonly error: { readonly code: ErrorCode; readonly message: string; readonly hint: string };
};

export const errorAnswer = ({ code, message, hint }: SegmentdError): ErrorAnswer => ({
  error: { code, message, hint },
});
