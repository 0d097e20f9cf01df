/** `init`: a configuration to begin with, which the daemon takes as it is. */
import { randomUUID } from 'node:crypto';
import { link, lstat, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { stringify } from 'yaml';
import type { LoadedConfig, Problem } from '../../config/load.ts';
import { formatProblem, loadConfigWithPlaces } from '../../config/load.ts';
import { checkPlaces } from '../../daemon/check-places.ts';
import type { Finding } from '../../daemon/findings.ts';
import { problemOf, refuseErrors } from '../../daemon/findings.ts';
import { errnoOf, messageOf, SegmentdError } from '../../lib/errors.ts';
import type { Invocation } from '../terminal/io.ts';
import { printable, printLine } from '../terminal/output.ts';
import { printWarnings } from './check-config.ts';

export type InitOptions = {
  readonly folder?: string;
  readonly database?: string;
  readonly brokers?: string;
  readonly force?: boolean;
};

/** What people answer who have no Kafka, and need none to begin with. */
const NONE = 'none';

/** What the stores and the brokers of a configuration say. */
type Reach = (config: LoadedConfig['config']) => Promise<Finding[]>;

/** Loaded here, since a Kafka client takes longer to load than the rest to run. */
const askOthers: Reach = async (config) => (await import('../../daemon/check-online.ts')).checkReach(config);

/**
 * Asks on a terminal for what is not given. What may come right by itself, such as a folder that is not there or a broker that does not
 * answer, is a warning. `reach` is for tests. Errors: usage, config_invalid for answers that `run` refuses.
 */
export async function writeConfig(
  io: Invocation,
  given: string,
  options: InitOptions,
  reach: Reach = askOthers,
): Promise<void> {
  const file = resolve(io.cwd, given);
  if (!options.force && (await isThere(file))) throw isTaken(file);
  const folder =
    options.folder ?? (await ask(io, 'Folder or URI of the database, which holds <table>.lance folders', './data'));
  const database = options.database ?? (await askOr(io, 'Its name in events and commands', nameOf(folder)));
  const brokers = options.brokers ?? (await askOr(io, 'Kafka brokers, host:port[,host:port]', NONE));
  const text = configText(
    database,
    folder,
    brokers.trim() === NONE ? [] : brokers.split(',').map((broker) => broker.trim()),
  );
  // Written beside it first: what is not fit is refused as by the daemon, and no half of a file is ever there.
  const draft = join(dirname(file), `.${basename(file)}-${randomUUID()}`);
  try {
    await writeFile(draft, text, { flag: 'wx' });
    const warnings = await problemsOf(draft, io, reach);
    const named = warnings.map((problem) => ({ ...problem, at: problem.at.replaceAll(draft, file) }));
    printWarnings(io.stderr, named);
    if (options.force) await rename(draft, file);
    else await link(draft, file);
  } catch (error) {
    throw refusal(error, file, draft);
  } finally {
    await rm(draft, { force: true });
  }
  printLine(io.stdout, `wrote ${printable(file)}`);
  printLine(io.stdout, `next: segmentd doctor -c ${printable(given)}, then segmentd run -c ${printable(given)}`);
}

/** Looks at what the file names, as `run` does, and asks those that it names. Returns what may come right by itself. */
async function problemsOf(file: string, { cwd }: Invocation, reach: Reach): Promise<Problem[]> {
  // The environment of this shell is not that of the daemon.
  const { config, placeOf } = loadConfigWithPlaces({ file, env: {}, cwd });
  const places = await checkPlaces(config);
  refuseErrors(places.filter(isOfAnswers), placeOf);
  const others = await reach(config);
  // A store that does not answer is no fault of the file, and brokers may ask for more than `init` does: for a password, say.
  refuseErrors(
    others.filter(({ code }) => code === 'config_invalid'),
    placeOf,
  );
  const problems = [...places, ...others]
    .filter(({ level }) => level !== 'note')
    .map((finding) => problemOf(finding, placeOf));
  // What both looks found is told once.
  return [...new Map(problems.map((problem) => [formatProblem(problem), problem])).values()];
}

/** Of other options the file has the defaults, which the daemon may have in another way. */
const isOfAnswers = ({ path: [section] }: Finding) => section === 'databases' || section === 'kafka';

async function isThere(file: string): Promise<boolean> {
  return lstat(file).then(
    () => true,
    () => false,
  );
}

const isTaken = (file: string) => new SegmentdError('usage', `${file} is there already; --force overwrites it`);

function refusal(error: unknown, file: string, draft: string): SegmentdError {
  if (error instanceof SegmentdError)
    return new SegmentdError(error.code, error.message.replaceAll(draft, file), { hint: error.hint });
  if (errnoOf(error) === 'EEXIST') return isTaken(file);
  return new SegmentdError('usage', `cannot write ${file}: ${messageOf(error).replaceAll(draft, file)}`);
}

/** Errors: usage, where nobody can be asked. */
async function ask(io: Invocation, question: string, suggestion: string): Promise<string> {
  if (io.ask === undefined) {
    throw new SegmentdError('usage', 'there is no terminal to ask on: give --folder');
  }
  return (await io.ask(`${question} [${suggestion}]: `)) || suggestion;
}

const askOr = async (io: Invocation, question: string, suggestion: string) =>
  io.ask === undefined ? suggestion : ask(io, question, suggestion);

/** Of the last folder, in the letters that a database may have. */
function nameOf(folder: string): string {
  const last = basename(folder.replace(/^[a-z]+:\/\//i, '').replace(/\/+$/, ''));
  return (
    last
      .toLowerCase()
      .replaceAll(/[^a-z0-9_-]+/g, '-')
      .replace(/^[^a-z0-9]+/, '') || 'lake'
  );
}

/** A text that YAML reads as it is. */
const quoted = (value: unknown) => stringify(value, { collectionStyle: 'flow', lineWidth: 0 }).trimEnd();

const POLLING = `# Without Kafka the daemon looks at each table every 10 s. Events make it faster, and several daemons share the tables:
# kafka:
#   brokers: [localhost:9092]
#   create_topics: { enabled: true }`;

const kafkaText = (brokers: readonly string[]) => `kafka:
  brokers: ${quoted(brokers)}
  # topic: segmentd.append-events
  # dead_letter_topic: segmentd.dead-letters
  # control_topic: segmentd.control # pauses that survive a restart, and commands for all members of the group
  create_topics:
    enabled: true # topics that are missing are created at start`;

/** Without brokers the daemon polls. */
function configText(database: string, folder: string, brokers: readonly string[]): string {
  return `# What segmentd serves. \`segmentd config defaults\` prints every option with its default; docs/configuration.md explains them.

databases:
  # A folder that holds <table>.lance folders, or s3://, gs:// or az://. Relative paths count from this file.
  # Events and commands name a table ${database.replaceAll(/[^a-z0-9_-]/gi, '')}/<table>.
  ${quoted(database)}: ${quoted(folder)}

# Without an entry segmentd keeps every index that a table has.
# tables:
#   ${database.replaceAll(/[^a-z0-9_-]/gi, '')}/events:
#     indexes:
#       - column: id # a BTREE, made if it is missing
#       - { column: body, kind: fts, language: English }

${brokers.length === 0 ? POLLING : kafkaText(brokers)}

# The control listener: buttons on the status page, \`segmentd pause\`, \`resume\` and \`refresh\`. On when a token is set.
# admin:
#   token_file: ./token

# Metrics, probes and the status page: http://127.0.0.1:9464
# http:
#   port: 9464
`;
}
