/** What `run` would meet, one line for each thing that it needs. */
import { randomUUID } from 'node:crypto';
import { mkdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LoadedConfig } from '../../config/load.ts';
import { formatProblem, loadConfigWithPlaces } from '../../config/load.ts';
import type { Config } from '../../config/schema.ts';
import { withoutBroker } from '../../config/sweep-interval.ts';
import { checkOnline } from '../../daemon/check-online.ts';
import { checkPlaces } from '../../daemon/check-places.ts';
import type { Finding } from '../../daemon/findings.ts';
import { problemOf } from '../../daemon/findings.ts';
import { lancedb } from '../../lance/engine/lancedb.ts';
import { asSegmentdError, ERRORS, errnoOf, messageOf } from '../../lib/errors.ts';
import { VERSION, versionOf } from '../../lib/version.ts';
import { proveCondition } from '../../store/condition-probe.ts';
import { storeKind } from '../../store/open-store.ts';
import type { Check, DoctorAnswer } from '../tables/json-answers.ts';
import type { Invocation } from '../terminal/io.ts';
import { printableLines, printJson, printLine } from '../terminal/output.ts';
import type { Tone } from '../terminal/style.ts';
import { styleOf } from '../terminal/style.ts';

export type DoctorOptions = { readonly config?: string; readonly json?: boolean };

/** Sets the exit code of the first error; warnings leave it 0. Creates nothing that stays, and joins no group. */
export async function examine(io: Invocation, { config: file, json = false }: DoctorOptions): Promise<void> {
  const checks: Check[] = [await examineVersions()];
  const loaded = load(io, file);
  if ('check' in loaded) checks.push(loaded);
  else checks.push(...(await examineWorld(io, loaded)));
  const worst = checks.find(({ outcome }) => outcome === 'error');
  if (worst?.code) io.exitCode = ERRORS[worst.code].exit;
  if (json) printJson(io.stdout, { ok: worst === undefined, checks } satisfies DoctorAnswer);
  else printChecks(io, checks);
}

/** A daemon loads the engine once it runs: what keeps it from that is found out here. */
async function examineVersions(): Promise<Check> {
  try {
    await lancedb();
    return ok('versions', `segmentd ${VERSION}, LanceDB ${versionOf('@lancedb/lancedb')}, Node ${process.version}`);
  } catch (error) {
    const { code, message } = asSegmentdError(error);
    return { check: 'versions', outcome: 'error', code, message };
  }
}

const ok = (check: string, message: string): Check => ({ check, outcome: 'ok', code: null, message });

function load({ env, cwd }: Invocation, file: string | undefined): LoadedConfig | Check {
  try {
    return loadConfigWithPlaces({ file, env, cwd });
  } catch (thrown) {
    const { code, message } = asSegmentdError(thrown);
    return { check: 'config', outcome: 'error', code, message };
  }
}

async function examineWorld(io: Invocation, { config, file, placeOf }: LoadedConfig): Promise<Check[]> {
  io.doing('asking the brokers and the stores');
  const [places, online, conditions, clock] = await Promise.all([
    checkPlaces(config),
    checkOnline(config),
    Promise.all(Object.entries(config.databases).map(([name, { uri }]) => conditionOf(name, uri))),
    clockOf(config.state.scratch_dir),
  ]);
  // A database that is not there is told of once.
  const seen = new Set<string>();
  const found = [...places, ...online].flatMap((finding): Check[] => {
    const { at, path, message } = problemOf(finding, placeOf);
    const text = formatProblem({ at, path: path ?? '', message });
    if (seen.has(text)) return [];
    seen.add(text);
    const check = checkOf(finding);
    if (finding.level === 'note') return [ok(check, message)];
    return [{ check, outcome: finding.level, code: finding.code, message: text }];
  });
  const failed = new Set(found.filter(({ outcome }) => outcome === 'error').map(({ check }) => check));
  // Nothing is known of what only a broker or a store that did not answer could tell.
  const unknown = (check: string) =>
    (check === 'topics' && failed.has('broker')) || failed.has(check.replace('conditional put', 'store'));
  const fine = [...finePlaces(config, file), ...conditions.filter((it) => it !== undefined), clock].filter(
    ({ check }) => !unknown(check),
  );
  const names = [...new Set([...fine, ...found].map(({ check }) => check))];
  return names.flatMap((name) => {
    const own = found.filter(({ check }) => check === name);
    return own.length > 0 ? own : fine.filter(({ check }) => check === name);
  });
}

/** What there is to say of each part that nothing was found about. */
function finePlaces(config: Config, file: string | undefined): Check[] {
  const { databases, state, http, admin } = config;
  const isAdminOn = admin.token !== undefined || admin.token_file !== undefined;
  return [
    ok('config', file ?? 'defaults and SEGMENTD_ variables, no file'),
    ...brokerParts(config),
    ...Object.entries(databases).map(([name, { uri }]) => ok(`store ${name}`, uri)),
    ok('scratch', state.scratch_dir),
    ok('listener http', `${http.host}:${http.port} is free`),
    ...(isAdminOn ? [ok('listener admin', `${admin.socket ?? `${admin.host}:${admin.port}`} is free`)] : []),
  ];
}

function brokerParts(config: Config): Check[] {
  const { kafka } = config;
  if (kafka === undefined) return [ok('broker', withoutBroker(config) ?? 'none')];
  const topics = [kafka.topic, kafka.dead_letter_topic, kafka.control_topic, kafka.notification_topic];
  return [
    ok('broker', kafka.brokers.join(', ')),
    ok('topics', topics.filter((topic) => topic !== undefined).join(', ')),
  ];
}

const TOPICS = /_?topic$/;

/** The line that a finding belongs to. */
function checkOf({ path: [section = '', name = ''], code }: Finding): string {
  if (section === 'kafka') return TOPICS.test(name) ? 'topics' : 'broker';
  if (section === 'databases') return code === 'store_unfit' ? `conditional put ${name}` : `store ${name}`;
  if (section === 'tables') return `table ${name}`;
  if (section === 'state') return 'scratch';
  return section === 'http' || section === 'admin' ? `listener ${section}` : 'config';
}

/** Of a folder that is there. In an object store the look at the store has proven it, or has failed. */
async function conditionOf(database: string, uri: string): Promise<Check | undefined> {
  const check = `conditional put ${database}`;
  const kind = storeKind(uri);
  if (kind !== 'local') return ok(check, `${kind} creates an object once`);
  const at = (name: string) => join(uri, name);
  try {
    if (!(await stat(uri).catch(() => undefined))?.isDirectory()) return undefined;
    await proveCondition(`doctor ${uri}`, {
      root: uri,
      create: (name, content) =>
        writeFile(at(name), content, { flag: 'wx' }).then(
          () => 'created' as const,
          (error: unknown) => {
            if (errnoOf(error) === 'EEXIST') return 'exists' as const;
            throw error;
          },
        ),
      remove: (name) => rm(at(name)),
    });
    return ok(check, 'a file is created once');
  } catch (thrown) {
    const { code, message } = asSegmentdError(
      thrown,
      errnoOf(thrown) === 'EACCES' ? 'store_denied' : 'store_unavailable',
    );
    return { check, outcome: 'error', code, message };
  }
}

/** Far below the ages by which versions and leftovers are cleaned up, and above what a file system rounds to. */
const CLOCK_SKEW_MS = 5_000;

/** Compares the clock with that of the file system of the scratch folder, which may be another machine's. */
async function clockOf(scratch: string): Promise<Check> {
  const folder = (await stat(scratch).catch(() => undefined))?.isDirectory() ? scratch : tmpdir();
  const probe = join(folder, `.segmentd-clock-${randomUUID()}`);
  try {
    const beforeMs = Date.now();
    await mkdir(probe);
    const { mtimeMs } = await stat(probe);
    const skewMs = Math.round(mtimeMs < beforeMs ? mtimeMs - beforeMs : Math.max(0, mtimeMs - Date.now()));
    if (Math.abs(skewMs) <= CLOCK_SKEW_MS) return ok('clock', `${new Date().toISOString()}, as the file system's`);
    const message = `the file system of ${folder} is ${skewMs > 0 ? 'ahead' : 'behind'} by ${Math.abs(skewMs)} ms: ages of versions are wrong by that`;
    return { check: 'clock', outcome: 'warning', code: 'store_unavailable', message };
  } catch (error) {
    return {
      check: 'clock',
      outcome: 'warning',
      code: 'store_denied',
      message: `could not be compared: ${messageOf(error)}`,
    };
  } finally {
    await rm(probe, { recursive: true, force: true }).catch(() => undefined);
  }
}

const TONES: Readonly<Record<Check['outcome'], Tone>> = { ok: 'good', warning: 'doubtful', error: 'bad' };

function printChecks({ stdout, env }: Invocation, checks: readonly Check[]): void {
  const { paint } = styleOf(stdout, env);
  const width = Math.max(...checks.map(({ check }) => check.length));
  for (const { check, outcome, code, message } of checks) {
    const hint = code === null ? '' : `\n${' '.repeat(9)}${ERRORS[code].hint}`;
    printLine(
      stdout,
      `${paint(TONES[outcome], outcome.padEnd(7))}  ${check.padEnd(width)}  ${printableLines(message)}${hint}`,
    );
  }
}
