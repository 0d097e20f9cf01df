/** A process that has LanceDB build indexes: `create-index.ts <database> <table> <column>…`. */
import { connect, Index } from '@lancedb/lancedb';

const [database = '', name = '', ...columns] = process.argv.slice(2);
const connection = await connect(database);
const table = await connection.openTable(name);
for (const column of columns) await table.createIndex(column, { config: Index.btree(), replace: true });
process.exit(0);
