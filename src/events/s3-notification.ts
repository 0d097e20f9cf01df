/**
 * Notifications of S3 and of compatible stores about objects in a bucket.
 *
 *   { "Records": [{ "eventName": ["s3:"] "ObjectCreated:" ..., "s3": { "bucket": { "name" }, "object": { "key" } } }] }
 *   { "Event": "s3:TestEvent", ... }           sent once when notifications are switched on
 *
 * Stores differ in how they write the key and the ETag:
 *
 *   AWS         form-encoded, but for slashes: `+` is a space, `%2B` a plus          eTag without quotation marks
 *   MinIO       form-encoded, slashes too: `%2F`; `EventName`, `Key` on top          eTag without
 *   Ceph        as it is                                                             eTag without, may be absent
 *   versitygw   as it is                                                             eTag in quotation marks, empty request id
 *
 * A new manifest is what an append ends with: <table>.lance/_versions/<name>, after the rule of manifest-name.ts. The folder of a table with
 * namespaces has another name; a database's catalog is a table itself, and no append.
 * https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
 */
import * as z from 'zod';
import { SegmentdError } from '../lib/errors.ts';
import { parseManifestName } from '../lib/manifest-name.ts';
import type { AppendEvent, TableRef } from '../model.ts';
import { appendFields, cutNote, readFields, toAppendEvent } from './append-fields.ts';
import { isJsonObject } from './json-value.ts';
import type { Databases } from './table-address.ts';
import { resolveTable } from './table-address.ts';

/** A manifest that a notification names. `etag` is the store's, without quotation marks; absent where it was not told. */
export type WrittenManifest = { readonly table: TableRef; readonly version: number; readonly etag?: string };

/**
 * Whether this process committed that manifest itself. A version number alone comes again when a table is dropped and made
 * anew, so that a sound answer compares the ETag that the conditional put returned too; without one it is false.
 */
export type IsOwnCommit = (written: WrittenManifest) => boolean;

/** S3 sends one record at a time, compatible stores a handful. */
const MAX_RECORDS = 1_000;
/** A key of 1,024 bytes, all of them escaped. */
const MAX_KEY_CHARS = 3_072;
/** Of S3 and compatible stores, old buckets included. No separator, so a bucket cannot stand for a bucket and a folder. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/;
const TEST_EVENT = 's3:TestEvent';
const CREATED = /^(?:s3:)?ObjectCreated:/;
const MANIFEST_KEY = /^(.*)\/_versions\/([^/]*)$/s;
/** A branch of a table has a version line of its own, with an index section that segmentd does not serve. */
const BRANCH = /^(.*?(?:\.lance|\/[0-9a-f]{8}_[^/]*))\/tree\//s;
const CATALOG = /\/__manifest$/;

/** Provenance: what is missing, empty or strange in it is left out. */
const note = z.string().min(1).transform(cutNote).optional().catch(undefined);
/** Likewise. */
const etag = z.string().transform(bareETag).pipe(z.string().min(1)).optional().catch(undefined);

const notificationFields = z.object({
  Records: z
    .array(
      z.object({
        eventName: z.string(),
        eventSource: note,
        eventTime: note,
        responseElements: z.object({ 'x-amz-request-id': note }).optional().catch(undefined),
        s3: z.object({
          bucket: z.object({ name: z.string().regex(BUCKET) }),
          object: z.object({ key: z.string().max(MAX_KEY_CHARS), eTag: etag }),
        }),
      }),
    )
    .max(MAX_RECORDS),
});
type ObjectRecord = z.output<typeof notificationFields>['Records'][number];

/** Whether the value has the form of an S3 notification. An object with a `table` is an append event, whatever else it holds. */
export function isS3Notification(data: unknown): boolean {
  if (!isJsonObject(data) || (data.table ?? undefined) !== undefined) return false;
  return Array.isArray(data.Records) || data.Event === TEST_EVENT;
}

/**
 * The appends that a notification names, one per table, of its latest version. Empty when there is nothing to do: objects
 * removed, objects that are not manifests of a version, branches, catalogs, own commits. One record that is refused refuses the
 * notification. Throws SegmentdError `event_invalid`, `event_table_invalid` or `event_table_outside`.
 */
export function s3AppendEvents(
  databases: Databases,
  notification: unknown,
  isOwnCommit: IsOwnCommit = () => false,
): readonly AppendEvent[] {
  if (isJsonObject(notification) && notification.Event === TEST_EVENT) return [];
  const latest = new Map<string, AppendEvent>();
  for (const record of readFields(notificationFields, notification).Records) {
    const event = appendOf(databases, record, isOwnCommit);
    if (event === null) continue;
    const known = latest.get(event.table.id);
    if (known === undefined || (event.version ?? 0) > (known.version ?? 0)) latest.set(event.table.id, event);
  }
  return [...latest.values()];
}

function appendOf(
  databases: Databases,
  { eventName, eventSource, eventTime, responseElements, s3 }: ObjectRecord,
  isOwnCommit: IsOwnCommit,
): AppendEvent | null {
  if (!CREATED.test(eventName)) return null;
  const named = namedManifest(databases, s3);
  if (named === undefined) return null;
  const { version } = named;
  if (named.onBranch) {
    resolveTable(databases, named.table);
    return null;
  }
  const fields = readFields(appendFields, {
    table: named.table,
    version,
    id: responseElements?.['x-amz-request-id'],
    time: eventTime,
    producer: eventSource,
  });
  const event = toAppendEvent(fields, (address) => resolveTable(databases, address));
  const { eTag } = s3.object;
  const written = { table: event.table, version, ...(eTag !== undefined && { etag: eTag }) };
  return isOwnCommit(written) ? null : event;
}

/** `table` is an address for resolveTable. */
type NamedManifest = { readonly table: string; readonly version: number; readonly onBranch: boolean };

/**
 * The manifest that a record names. Nothing in it says whether its key is encoded: it is, unless only the key as it stands leads to a
 * configured database.
 */
function namedManifest(databases: Databases, { bucket, object }: ObjectRecord['s3']) {
  const [likely, ...others] = spellings(object.key).flatMap((key) => manifestAt(bucket.name, key) ?? []);
  const isOurs = (named: NamedManifest) => isConfigured(databases, named.table);
  return likely === undefined || isOurs(likely) ? likely : (others.find(isOurs) ?? likely);
}

function manifestAt(bucket: string, key: string): NamedManifest | null {
  const [, folder, file] = MANIFEST_KEY.exec(key) ?? [];
  const manifest = file === undefined ? null : parseManifestName(file);
  if (folder === undefined || manifest === null) return null;
  if (CATALOG.test(`/${folder}`)) return null;
  const address = `s3://${bucket}/${folder}`;
  const branchOf = BRANCH.exec(address)?.[1];
  return { table: branchOf ?? address, version: manifest.version, onBranch: branchOf !== undefined };
}

function isConfigured(databases: Databases, address: string): boolean {
  try {
    resolveTable(databases, address);
    return true;
  } catch (error) {
    if (error instanceof SegmentdError) return false;
    throw error;
  }
}

/** What a key may mean, the likely one first: decoded, where that is possible, and as it stands. */
function spellings(key: string): readonly string[] {
  try {
    return [...new Set([decodeURIComponent(key.replaceAll('+', ' ')), key])];
  } catch {
    return [key];
  }
}

/** HTTP has an ETag in quotation marks, and some notifications do. */
function bareETag(etag: string): string {
  return etag.replace(/^"(.*)"$/s, '$1');
}
