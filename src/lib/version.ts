/** Versions of segmentd and of a package it depends on, as installed. */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

function versionIn(file: string | URL): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export const VERSION = versionIn(new URL('../../package.json', import.meta.url));

/** Version of an installed dependency. */
export function versionOf(name: string): string {
  return versionIn(require.resolve(`${name}/package.json`));
}
