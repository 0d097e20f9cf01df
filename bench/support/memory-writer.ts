/** The writer beside the process whose memory is measured: makes the table, then appends or consolidates for each line on standard input. */
import { createInterface } from 'node:readline';
import { connect, Index } from '@lancedb/lancedb';
import { people } from '../../testing/people.ts';

const connection = await connect(process.argv[2] ?? '');
const table = await connection.createTable('t', people(0, 1000));
await table.createIndex('id', { config: Index.btree() });
const done = () => process.stdout.write('done\n');
done();
let appended = 0;
for await (const what of createInterface({ input: process.stdin })) {
  await table.checkoutLatest();
  if (what === 'append') await table.add(people(1000 + 10 * appended++, 10));
  else {
    await table.createIndex('id', { config: Index.btree(), replace: true });
    await table.optimize();
  }
  done();
}
table.close();
connection.close();
