/** Fills a tiny file system, in a mount name space of its own, and prints what the store says of it. */
import { execFileSync } from 'node:child_process';
import { SegmentdError } from '../../src/lib/errors.ts';
import { localStore } from '../../src/store/local-store.ts';

const root = process.argv[2] ?? '';
execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tiny', root]);
const store = localStore(root);
const codeOf = (error: unknown) => (error instanceof SegmentdError ? error.code : String(error));
const large = new Uint8Array(200_000);
const { outcome: created } = await store.putIfAbsent('v/small', [new Uint8Array(10)]);
const put = await store.putIfAbsent('v/large', [large]).catch(codeOf);
const replaced = await store.put('v/small', large).catch(codeOf);
process.stdout.write(JSON.stringify({ created, put, replaced, left: await store.list('v') }));
