/**
 * A writer in a process of its own: appends batches with LanceDB, as a data team's job would.
 *
 *   node append-writer.ts <database folder> <first id> <batches> <rows per batch>
 */
import { connect } from '@lancedb/lancedb';
import { people } from './people.ts';

const [folder = '', ...numbers] = process.argv.slice(2);
const [first = 0, batches = 0, rows = 0] = numbers.map(Number);
const connection = await connect(folder);
const table = await connection.openTable('t');
for (let batch = 0; batch < batches; batch++) await table.add(people(first + batch * rows, rows));
table.close();
connection.close();
