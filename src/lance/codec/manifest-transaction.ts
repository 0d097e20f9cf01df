/**
 * The transaction of a manifest file, without the rest: a walk back through the versions of a table reads many.
 *
 *   Manifest = ... 21, 23 transaction section offset ...          (the rest: manifest.ts)
 */
import { manifestMessageOf, sectionAt } from './manifest-file.ts';
import type { TransactionHead } from './transaction.ts';
import { decodeTransactionHead } from './transaction.ts';
import { Cursor } from './wire.ts';

const TRANSACTION_SECTION = 21;
const TRANSACTION_SECTION_NEW = 23;

/** Null when the manifest does not carry its transaction. Errors: table_unreadable. */
export function transactionOf(file: Uint8Array): TransactionHead | null {
  const cursor = new Cursor(manifestMessageOf(file));
  let offset: number | null = null;
  while (cursor.next()) {
    if (cursor.field === TRANSACTION_SECTION || cursor.field === TRANSACTION_SECTION_NEW) offset = cursor.varint();
    else cursor.skip();
  }
  return offset === null ? null : decodeTransactionHead(sectionAt(file, offset, 'transaction'));
}
