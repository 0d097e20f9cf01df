/** Values that are read again at each use, from files that may be rotated under us. */

/**
 * Returns what `read` returns now, and while that throws what it returned last: a file that is being replaced must not break what
 * works. Throws what the first read throws. `failed` is told of the first failure in a row.
 */
export function lastGood<T>(read: () => T, failed: (error: unknown) => void): () => T {
  let value = read();
  let isFailing = false;
  return () => {
    try {
      value = read();
      isFailing = false;
    } catch (error) {
      if (!isFailing) failed(error);
      isFailing = true;
    }
    return value;
  };
}
