/**
 * Uuids of segments that segmentd built. A folder below `_indices/` that no version names may be a build that was killed, or one that another
 * writer is still to commit, days after it was built. Only its uuid can tell: the last six bytes of ours follow from the others.
 */
import { createHash, randomUUID } from 'node:crypto';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { copyFields } from './wire.ts';

const MARK = 'segmentd ';
/** Digits of a uuid that are free, and those that follow from them: 74 random bits are left. */
const FREE_LENGTH = 'xxxxxxxx-xxxx-4xxx-yxxx-'.length;
const MARK_LENGTH = 12;

const markOf = (free: string) => createHash('sha256').update(`${MARK}${free}`).digest('hex').slice(0, MARK_LENGTH);

/** A new uuid of version 4 that isOwnUuid knows again. */
export function ownUuid(): string {
  const free = randomUUID().slice(0, FREE_LENGTH);
  return `${free}${markOf(free)}`;
}

/** Whether segmentd made it. Of those of other writers one in 2^48 looks like it. */
export function isOwnUuid(uuid: string): boolean {
  const isUuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(uuid);
  return isUuid && uuid.slice(FREE_LENGTH) === markOf(uuid.slice(0, FREE_LENGTH));
}

const UUID = 1;

/** The message of an index entry under another uuid. */
export function withUuid(metadata: Uint8Array, uuid: string): Uint8Array {
  const writer = new BinaryWriter();
  writer.tag(UUID, WireType.LengthDelimited).fork();
  writer
    .tag(1, WireType.LengthDelimited)
    .bytes(Buffer.from(uuid.replaceAll('-', ''), 'hex'))
    .join();
  for (const kept of copyFields(metadata, (field) => field !== UUID)) writer.raw(kept);
  return writer.finish();
}
