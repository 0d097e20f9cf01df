/** What `run` does before anything is opened: it looks at what the configuration names, as `config check` does. */
import type { LoadedConfig } from '../config/load.ts';
import type { Config } from '../config/schema.ts';
import { sweepSeconds } from '../config/sweep-interval.ts';
import { VERSION } from '../lib/version.ts';
import { storeKind } from '../store/open-store.ts';
import type { StartFacts, Telemetry } from '../telemetry/events.ts';
import { checkPlaces } from './check-places.ts';
import type { Finding } from './findings.ts';
import { problemOf, refuseErrors, warningAt } from './findings.ts';

/** Where a configuration is from. */
export type ConfigSource = Pick<LoadedConfig, 'file' | 'placeOf'>;

const UNKNOWN_SOURCE: ConfigSource = { file: undefined, placeOf: () => 'configuration' };

/**
 * Returns what is to be called when the daemon listens, with the port of `/metrics` and why leftovers in the scratch folder stay: it writes
 * the start line, and a line for each thing that is missing and may come. Errors: config_invalid for what cannot come right by itself.
 */
export async function beforeStart(
  config: Config,
  telemetry: Telemetry,
  { file, placeOf }: ConfigSource = UNKNOWN_SOURCE,
): Promise<(httpPort: number, stuckScratch: readonly string[]) => void> {
  const findings = await checkPlaces(config);
  refuseErrors(findings, placeOf);
  return (httpPort, stuckScratch) => {
    telemetry.started(startFacts(config, file, httpPort));
    tellWarnings(telemetry, [...findings, ...stuckScratch.map(stuckFinding)], placeOf);
  };
}

const stuckFinding = (problem: string) =>
  warningAt(
    ['state', 'scratch_dir'],
    `what a killed process left there cannot be removed: ${problem}`,
    'scratch_unusable',
  );

/** Logs what is missing and may come. */
export function tellWarnings(
  telemetry: Telemetry,
  findings: readonly Finding[],
  placeOf: ConfigSource['placeOf'],
): void {
  for (const finding of findings) {
    const { at, path: option = '', message: problem } = problemOf(finding, placeOf);
    telemetry.configDoubted({ code: finding.code, at, option, problem });
  }
}

/** `httpPort` is the port that the listener got. */
function startFacts(config: Config, file: string | undefined, httpPort: number): StartFacts {
  const { databases, kafka, http, admin } = config;
  const isAdminOn = admin.token !== undefined || admin.token_file !== undefined;
  return {
    version: VERSION,
    config: file ?? null,
    databases: Object.fromEntries(
      Object.entries(databases).map(([name, { uri }]) => [name, { uri, store: storeKind(uri) }]),
    ),
    brokers: kafka?.brokers ?? null,
    group: kafka?.group_id ?? null,
    topics: kafka === undefined ? null : topicFacts(kafka),
    polls_every_s: kafka === undefined ? sweepSeconds(config) : null,
    http: `${http.host}:${httpPort}`,
    admin: isAdminOn ? (admin.socket ?? `${admin.host}:${admin.port}`) : null,
  };
}

const topicFacts = (kafka: NonNullable<Config['kafka']>) => ({
  events: kafka.topic,
  dead_letters: kafka.dead_letter_topic,
  ...(kafka.control_topic !== undefined && { control: kafka.control_topic }),
  ...(kafka.notification_topic !== undefined && { notifications: kafka.notification_topic }),
});
