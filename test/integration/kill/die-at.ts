/**
 * Loaded before segmentd (`node --import`): watches what it does from the outside and ends the process with SIGKILL at the
 * n-th passage of a point, once the parent has armed it. Until then everything runs as it is.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import fs from 'node:fs';
import promises from 'node:fs/promises';
import { createRequire, syncBuiltinESMExports } from 'node:module';
import { dirname, join } from 'node:path';
import type { Table } from '@lancedb/lancedb';
import { AckTracker } from '../../../src/kafka/consumer/ack-tracker.ts';
import { GroupConsumer } from '../../../src/kafka/consumer/group-consumer.ts';
import type { Arming, KillPoint, Passage } from './kill-points.ts';

let armed: Arming | undefined;
let passages = 0;

process.on('message', (arming: Arming) => {
  armed = arming;
  passages = 0;
  process.send?.('armed');
});
// The channel to the parent must not keep a process alive that has nothing left to do.
process.channel?.unref();

/** Whether what runs is part of a merge: the same work is done for fresh data at the same time. */
export const merging = new AsyncLocalStorage<true>();

/** Passes a point of the work that runs, on the way of a commit. */
export function passage(point: Passage): void {
  pass(merging.getStore() ? (`merge-${point}` as KillPoint) : point);
}

/** Kills the process here if this is the armed point and passage. */
export function pass(point: KillPoint): void {
  if (armed?.point !== point) return;
  passages += 1;
  if (passages === armed.nth) process.kill(process.pid, 'SIGKILL');
}

/** What happens to names is watched in both forms of each call: the code under test is free to choose either. */
const real = { ...promises };
const realSync = { ...fs };
let linked: unknown;

fs.writeFileSync = (file, ...rest) => {
  // The manifest of a fragment view is written to its name at once; no manifest of a table ever is.
  const isView = String(file).endsWith('.manifest');
  if (isView) passage('view');
  realSync.writeFileSync(file, ...rest);
  if (isView) passage('view-made');
};

promises.open = async (path, flags, mode) => {
  if (String(path).includes('/_indices/')) passage('uploaded');
  const handle = await real.open(path, flags, mode);
  if (String(path).includes('/_versions/.tmp_')) passage('staging');
  return handle;
};

fs.openSync = (path, flags, mode) => {
  if (String(path).includes('/_indices/')) passage('uploaded');
  const file = realSync.openSync(path, flags, mode);
  if (String(path).includes('/_versions/.tmp_')) passage('staging');
  return file;
};

const afterLink = (from: unknown) => {
  linked = from;
  passage('linked');
};

promises.link = async (from, to) => {
  passage('staged');
  await real.link(from, to);
  afterLink(from);
};

fs.linkSync = (from, to) => {
  passage('staged');
  realSync.linkSync(from, to);
  afterLink(from);
};

promises.rm = async (path, options) => {
  await real.rm(path, options);
  if (path === linked) passage('unstaged');
};

fs.rmSync = (path, options) => {
  realSync.rmSync(path, options);
  if (path === linked) passage('unstaged');
};

const beforeRename = (to: string) => {
  if (to.includes('/_transactions/')) passage('transaction-staged');
};

const afterRename = (to: string) => {
  if (to.includes('/_transactions/')) passage('transaction');
  if (to.includes('/_indices/')) passage('segment-uploaded');
};

promises.rename = async (from, to) => {
  beforeRename(String(to));
  await real.rename(from, to);
  afterRename(String(to));
};

fs.renameSync = (from, to) => {
  beforeRename(String(to));
  realSync.renameSync(from, to);
  afterRename(String(to));
};

syncBuiltinESMExports();

// LanceDB exports the class of its tables only to itself.
const require = createRequire(import.meta.url);
const tables = require(join(dirname(require.resolve('@lancedb/lancedb')), 'table.js')) as {
  LocalTable: { prototype: Table };
};
const realCreateIndex = tables.LocalTable.prototype.createIndex;
tables.LocalTable.prototype.createIndex = async function createIndex(column, options) {
  passage('index');
  await realCreateIndex.call(this, column, options);
  passage('index-built');
};

const realSettle = AckTracker.prototype.settle;
AckTracker.prototype.settle = function settle(entry) {
  passage('ack');
  return realSettle.call(this, entry);
};

const realCommit = GroupConsumer.prototype.commit;
GroupConsumer.prototype.commit = async function commit(offsets) {
  passage('offsets');
  await realCommit.call(this, offsets);
  passage('offsets-committed');
};
