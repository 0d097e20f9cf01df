/** amtool, and the configuration of Alertmanager that ships with segmentd. */
import { execFile } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';
import { debianPrograms } from './debian-package.ts';

export const ALERTMANAGER_FILE = resolve(import.meta.dirname, '..', 'config', 'alertmanager', 'alertmanager.yml');

/**
 * Runs amtool and returns what it says; its output is in the error when it complains. Undefined where there is no amtool to be had.
 * Alertmanager itself, of the same package, runs only where the package is installed: it looks for its templates there.
 */
export async function amtool(...args: string[]): Promise<string | undefined> {
  const found = await debianPrograms('prometheus-alertmanager', ['amtool']);
  return found && (await promisify(execFile)(found.amtool, args)).stdout;
}
