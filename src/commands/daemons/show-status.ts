/** Prints the status of a table, of one or all databases or of a daemon, once or again and again. */
import type { Place, PlaceOptions } from '../tables/places.ts';
import type { Invocation } from '../terminal/io.ts';
import { printJson, printLine } from '../terminal/output.ts';
import type { Style } from '../terminal/style.ts';
import { styleOf } from '../terminal/style.ts';
import type { Look } from '../terminal/watch.ts';
import { watch } from '../terminal/watch.ts';
import type { DaemonOptions } from './daemon-address.ts';

/** Of a daemon, if one is given. `watchS`: seconds between looks; one look unless given. */
export type StatusOptions = PlaceOptions &
  DaemonOptions & {
    json?: boolean;
    segments?: boolean;
    watchS?: number | undefined;
  };

export async function showStatus(io: Invocation, given: string | undefined, options: StatusOptions): Promise<void> {
  const { daemon, json = false, watchS } = options;
  const look = daemon === undefined ? await lookAt(io, given, options) : await lookAtDaemon(io, daemon, options);
  if (watchS !== undefined) {
    await watch(io, look, { intervalMs: watchS * 1000, json });
    return;
  }
  const seen = await look();
  if (json) printJson(io.stdout, seen.json);
  else printLine(io.stdout, seen.text);
}

async function lookAtDaemon(io: Invocation, address: string, options: StatusOptions): Promise<Look> {
  const { askDaemon, formatDaemonStatus } = await import('./daemon-status.ts');
  const { daemonAt, givenCa, givenToken, nameOf } = await import('./daemon-address.ts');
  const listener = { ...daemonAt(address, io.cwd), token: givenToken(io, options), certFile: givenCa(io, options) };
  io.doing(`waiting for ${nameOf(listener)}`);
  return lookOf(() => askDaemon(listener), formatDaemonStatus);
}

async function lookAt(io: Invocation, given: string | undefined, options: StatusOptions): Promise<Look> {
  const { configuredPlaces, findPlace, located } = await import('../tables/places.ts');
  const style = () => styleOf(io.stdout, io.env);
  if (given === undefined) return lookAtAll(await configuredPlaces(io, options), style);
  const place = await located(await findPlace(io, given, options));
  return place.isTable ? lookAtTable(place, style, options.segments) : lookAtDatabase(place, style);
}

async function lookAtAll(places: readonly Place[], style: () => Style): Promise<Look> {
  const { formatConfigurationStatus, inspectDatabases } = await import('../tables/configuration-status.ts');
  return lookOf(
    () => inspectDatabases(places),
    (seen) => formatConfigurationStatus(seen, style()),
  );
}

async function lookAtTable(place: Place, style: () => Style, segments = false): Promise<Look> {
  const { formatTableStatus, inspectOneTable } = await import('../tables/table-status.ts');
  return lookOf(inspectOneTable(place), (seen) => formatTableStatus(seen, style(), segments));
}

async function lookAtDatabase(place: Place, style: () => Style): Promise<Look> {
  const { formatDatabaseStatus, inspectDatabase } = await import('../tables/database-status.ts');
  return lookOf(
    () => inspectDatabase(place),
    (seen) => formatDatabaseStatus(seen, style()),
  );
}

function lookOf<T>(see: () => Promise<T>, format: (seen: T) => string): Look {
  return async () => {
    const seen = await see();
    return { json: seen, text: format(seen) };
  };
}
