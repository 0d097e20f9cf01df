/** Versions of segmentd and of a package it depends on, as installed. */
import { readFileSync } from 'node:fs';
import { findPackageJSON } from 'node:module';
import { shippedFile } from './shipped-file.ts';

function versionIn(file: string | URL): string {
  return (JSON.parse(readFileSync(file, 'utf8')) as { version: string }).version;
}

export const VERSION = versionIn(shippedFile('package.json'));

/** Version of an installed dependency. */
export function versionOf(name: string): string {
  const file = findPackageJSON(name, import.meta.url);
  return file === undefined ? 'unknown' : versionIn(file);
}
