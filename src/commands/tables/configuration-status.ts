/** What `status` shows of all databases of a configuration. */
import type { ErrorCode } from '../../lib/errors.ts';
import { asSegmentdError } from '../../lib/errors.ts';
import { printable } from '../terminal/output.ts';
import type { Style } from '../terminal/style.ts';
import { PLAIN } from '../terminal/style.ts';
import type { DatabaseReport } from './database-status.ts';
import { formatDatabaseStatus, inspectDatabase } from './database-status.ts';
import type { Place } from './places.ts';

/** A database that cannot be listed. */
type UnreadableDatabase = {
  readonly database: string;
  readonly error: { readonly code: ErrorCode; readonly message: string };
};

export type ConfigurationReport = {
  readonly databases: readonly ({ readonly name: string } & (DatabaseReport | UnreadableDatabase))[];
};

/** A database that cannot be listed is reported beside the others; where none can, this fails as the first does. */
export async function inspectDatabases(places: readonly Place[]): Promise<ConfigurationReport> {
  const seen = await Promise.allSettled(places.map(inspectDatabase));
  const failed = seen.flatMap((it) => (it.status === 'rejected' ? [it.reason] : []));
  if (failed.length === seen.length) throw failed[0];
  return {
    databases: seen.map((it, at) => {
      const { database: name, uri: database } = places[at] as Place;
      if (it.status === 'fulfilled') return { name, ...it.value };
      const { code, message } = asSegmentdError(it.reason);
      return { name, database, error: { code, message } };
    }),
  };
}

export function formatConfigurationStatus({ databases }: ConfigurationReport, style: Style = PLAIN): string {
  return databases
    .map((it) => {
      const text = 'error' in it ? style.paint('bad', unreadable(it)) : formatDatabaseStatus(it, style);
      return `${it.name}: ${text}`;
    })
    .join('\n\n');
}

const unreadable = ({ database, error }: UnreadableDatabase) =>
  printable(`${database}  ${error.code}: ${error.message}`);
