/** A bucket in memory, for what is made of a driver: each call is noted, and any of them may be made to fail. */
import { readFile } from 'node:fs/promises';
import type { BlobDriver, Failure, FailureKind, ListRequest, Page } from '../../../src/store/blob-driver.ts';

export type MemoryDriver = BlobDriver & {
  readonly objects: Map<string, { content: Uint8Array; tag: string }>;
  /** Calls since the last time this was asked, as `method key`. */
  spent(): string[];
  /** What the next calls of a method do instead, one after the other; undefined lets one through. */
  readonly instead: Map<string, (FailureKind | (() => Promise<void>) | undefined)[]>;
};

/** When each of its objects was last written. */
export const MODIFIED_MS = 1_700_000_000_000;

class DriverError extends Error {
  readonly kind: FailureKind;

  constructor(kind: FailureKind) {
    super(`it was ${kind}`);
    this.kind = kind;
  }
}

/** `pageSize`: objects and folders of a page that was asked for without a limit. `ignoresCondition`: creation overwrites. */
export function memoryDriver({ pageSize = 1_000, ignoresCondition = false } = {}): MemoryDriver {
  const objects: MemoryDriver['objects'] = new Map();
  const calls: string[] = [];
  const instead: MemoryDriver['instead'] = new Map();
  let written = 0;
  const note = async (method: string, key: string) => {
    calls.push(`${method} ${key}`);
    const next = instead.get(method)?.shift();
    if (typeof next === 'function') await next();
    else if (next !== undefined) throw new DriverError(next);
  };
  const found = (key: string) => {
    const object = objects.get(key);
    if (object === undefined) throw new DriverError('missing');
    return object;
  };
  const set = (key: string, content: Uint8Array) => {
    written += 1;
    const tag = `tag ${written}`;
    objects.set(key, { content, tag });
    return tag;
  };
  return {
    kind: 's3',
    objects,
    instead,
    spent: () => calls.splice(0),
    async list(request) {
      await note('list', `${request.prefix}${request.limit === undefined ? '' : ` ${request.limit}`}`);
      return pageOf(objects, request, pageSize);
    },
    async head(key) {
      await note('head', key);
      const { content, tag } = found(key);
      return { bytes: content.length, tag };
    },
    async get(key) {
      await note('get', key);
      return found(key);
    },
    async create(key, content) {
      await note('create', key);
      if (objects.has(key) && !ignoresCondition) throw new DriverError('taken');
      return set(key, content);
    },
    async put(key, content) {
      await note('put', key);
      set(key, content);
    },
    async upload(file, key) {
      await note('upload', key);
      set(key, await readFile(file.path));
    },
    async remove(keys) {
      await note('remove', keys.join(' '));
      for (const key of keys) objects.delete(key);
    },
    failureOf: (error): Failure =>
      error instanceof DriverError
        ? { kind: error.kind, message: error.message }
        : { kind: 'failed', message: String(error) },
  };
}

function pageOf(objects: MemoryDriver['objects'], request: ListRequest, pageSize: number): Page {
  const { prefix, oneLevel, limit = pageSize, from = '' } = request;
  const entries = new Map<string, string>();
  for (const key of [...objects.keys()].sort()) {
    if (!key.startsWith(prefix)) continue;
    const slash = oneLevel ? key.indexOf('/', prefix.length) : -1;
    if (slash < 0) entries.set(key, 'object');
    else entries.set(key.slice(0, slash), 'folder');
  }
  const rest = [...entries].filter(([key]) => key > from);
  const page = rest.slice(0, limit);
  return {
    objects: page
      .filter(([, what]) => what === 'object')
      .map(([key]) => ({
        key,
        stat: { bytes: objects.get(key)?.content.length ?? 0, tag: objects.get(key)?.tag ?? '' },
        modifiedMs: MODIFIED_MS,
      })),
    folders: page.filter(([, what]) => what === 'folder').map(([key]) => key),
    next: rest.length > limit ? page.at(-1)?.[0] : undefined,
  };
}
