/** Reads the configuration again while the daemon runs, takes over what can be, and names what cannot. */
import type { LoadedConfig } from '../config/load.ts';
import { takeOver } from '../config/reloadable.ts';
import type { Config } from '../config/schema.ts';
import { LOG_LEVELS } from '../config/schema.ts';
import { asSegmentdError } from '../lib/errors.ts';
import type { Telemetry } from '../telemetry/events.ts';
import { tellWarnings } from './before-start.ts';
import { checkPlaces } from './check-places.ts';
import { refuseErrors } from './findings.ts';
import type { LiveConfig } from './live-config.ts';

/** Reads the configuration. Errors: config_invalid, config_unreadable. */
export type LoadConfig = () => LoadedConfig;

type ReloadParts = {
  readonly live: LiveConfig;
  readonly telemetry: Telemetry;
  readonly setLogLevel: (level: Config['log']['level']) => void;
  /** Called when what was taken over is in force, with the ids of the tables of which something else is configured now. */
  readonly applied: (tables: readonly string[]) => void;
  /** For tests: what the files and folders of a configuration are like. */
  readonly check?: typeof checkPlaces;
};

/**
 * The function that it returns reloads, one call after the other, and never rejects: a configuration that `run` would refuse changes
 * nothing and is told with the same error.
 */
export function createReload(parts: ReloadParts): (load: LoadConfig) => Promise<void> {
  let last = Promise.resolve();
  return (load) => {
    last = last.then(() => reload(parts, load));
    return last;
  };
}

async function reload({ live, telemetry, check = checkPlaces, ...parts }: ReloadParts, load: LoadConfig) {
  try {
    const { config: next, file, placeOf } = load();
    const findings = await check(next);
    refuseErrors(findings, placeOf);
    const { config, applied, needsRestart } = takeOver(live.current(), next);
    const names = (paths: readonly (readonly string[])[]) => paths.map((path) => path.join('.'));
    const tell = () => {
      telemetry.configReloaded({
        config: file ?? null,
        applied: names(applied),
        needs_restart: names(needsRestart),
      });
      for (const path of needsRestart) telemetry.optionNeedsRestart({ option: path.join('.'), at: placeOf(path) });
      tellWarnings(telemetry, findings, placeOf);
    };
    const { level } = config.log;
    const isLouder = LOG_LEVELS.indexOf(level) < LOG_LEVELS.indexOf(live.current().log.level);
    live.replace(config);
    parts.applied(applied.filter(([section]) => section === 'tables').map(([, id]) => id as string));
    // At the more talkative of two levels, so that a log which falls silent says why.
    if (isLouder) parts.setLogLevel(level);
    tell();
    parts.setLogLevel(level);
  } catch (error) {
    telemetry.configRefused({ error: asSegmentdError(error) });
  }
}
