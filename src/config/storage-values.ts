/** Values of `databases.<name>.storage_options`: the variables in them, and whether the options can be honoured. */
import { storageOptionsProblem } from '../lib/storage-options-problem.ts';
import type { Environment } from './env.ts';
import type { Config } from './schema.ts';

/** It names no value: each may be a secret. */
type StorageProblem = { readonly path: readonly string[]; readonly message: string };
type Tree = { readonly [key: string]: unknown };

const VARIABLE = /\$\{([^}]*)\}/g;

const isTree = (value: unknown): value is Tree => typeof value === 'object' && value !== null && !Array.isArray(value);

/** `map` with each member changed; anything that is no map stays, for the schema to refuse. */
function mapTree(map: unknown, change: (value: unknown, key: string) => unknown): unknown {
  return isTree(map) ? Object.fromEntries(Object.entries(map).map(([key, value]) => [key, change(value, key)])) : map;
}

/**
 * What is configured with `${NAME}` in storage options replaced by the variable. One that is not set, or empty, is a problem: a credential
 * that is missing shows as a refused request otherwise.
 */
export function withVariables(data: unknown, env: Environment): { data: unknown; problems: StorageProblem[] } {
  const problems: StorageProblem[] = [];
  const replace = (text: string, path: readonly string[]) =>
    text.replace(VARIABLE, (written, name: string) => {
      const value = env[name];
      if (value) return value;
      problems.push({ path, message: `${written} is not set in the environment` });
      return written;
    });
  if (!isTree(data) || !isTree(data.databases)) return { data, problems };
  const databases = mapTree(data.databases, (database, name) => {
    if (!isTree(database) || !isTree(database.storage_options)) return database;
    const options = mapTree(database.storage_options, (value, option) =>
      typeof value === 'string' ? replace(value, ['databases', name, 'storage_options', option]) : value,
    );
    return { ...database, storage_options: options };
  });
  return { data: { ...data, databases }, problems };
}

/** What cannot be honoured in the options of each database; `env` has more options for LanceDB. */
export function storageProblems({ databases }: Config, env: Environment): StorageProblem[] {
  return Object.entries(databases).flatMap(([name, { uri, storage_options }]) =>
    storageOptionsProblem(uri, storage_options, env).map((message) => ({
      path: ['databases', name, 'storage_options'],
      message,
    })),
  );
}
