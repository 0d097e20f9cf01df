/** What is wrong with the files and folders that a configuration names. Looks, and changes nothing; asks no other host, nor object store. */
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { PLACE_RULES } from '../config/rules.ts';
import type { Config } from '../config/schema.ts';
import { tablePolicy } from '../config/table-policy.ts';
import { servedIndexes } from '../lance/plan/row-ids.ts';
import { LanceTable } from '../lance/table/table.ts';
import { asyncLimit } from '../lib/async-limit.ts';
import { asSegmentdError, messageOf } from '../lib/errors.ts';
import { optionInFile } from '../lib/known-storage-options.ts';
import { scratchProblem } from '../lib/scratch.ts';
import { secretOf } from '../lib/secret.ts';
import { isStoreUri, schemeOf } from '../lib/store-uri.ts';
import { tableUri } from '../lib/table-name.ts';
import { openStore, realLocation } from '../store/open-store.ts';
import { whyNoDatabase } from '../store/why-no-database.ts';
import { checkAdmin } from './check-admin.ts';
import { checksAny } from './check-settings.ts';
import type { Finding } from './findings.ts';
import { errorAt, warningAt } from './findings.ts';

type Path = Finding['path'];
type Database = Config['databases'][string];

/** Manifests read at once. */
const AT_ONCE = 8;

/** The findings in the order of the options. Never rejects. */
export async function checkPlaces(config: Config): Promise<Finding[]> {
  const databases = Object.entries(config.databases).map(([name, database]) => checkDatabase(name, database));
  const limit = asyncLimit(AT_ONCE);
  const tables = Object.keys(config.tables).map((id) => limit.run(() => checkTable(config, id)));
  const findings = [
    ...databases,
    checkLinks(config),
    ...tables,
    checkTls(['kafka', 'ssl'], config.kafka?.ssl),
    checkTls(['admin'], config.admin),
    checkAdmin(config),
    checkSecrets(config),
    checkScratch(config),
    checkEvidence(config),
  ];
  return (await Promise.all(findings)).flat();
}

async function checkDatabase(name: string, { uri, storage_options }: Database): Promise<Finding[]> {
  const path = ['databases', name];
  if (isStoreUri(uri)) return checkOptionFiles([...path, 'storage_options'], uri, storage_options);
  try {
    const instead = await whyNoDatabase(uri, openStore);
    if (instead !== undefined) return [errorAt(path, `${uri} ${instead}`)];
    if ((await openStore(uri).folders('')) !== null) return [];
    return [warningAt(path, `there is no folder ${uri}; segmentd waits for it`, 'database_not_found')];
  } catch (thrown) {
    const { code, message } = asSegmentdError(thrown);
    return [warningAt(path, message, code)];
  }
}

function checkOptionFiles(path: Path, uri: string, options: Database['storage_options']): Finding[] {
  return Object.entries(options)
    .filter(([name]) => optionInFile(schemeOf(uri), name) !== undefined)
    .flatMap(([name, file]) => secretFindings([...path, name], file));
}

/** Two names of one folder are two builds at once: links are followed. */
async function checkLinks(config: Config): Promise<Finding[]> {
  const real = await Promise.all(
    Object.entries(config.databases).map(
      async ([name, database]) => [name, { ...database, uri: await realLocation(database.uri) }] as const,
    ),
  );
  const scratch = await realLocation(config.state.scratch_dir);
  const followed = { ...config, databases: Object.fromEntries(real), state: { ...config.state, scratch_dir: scratch } };
  return PLACE_RULES.flatMap(({ about, problems }) =>
    problems(followed).map((message) => errorAt((about[0] as string).split('.'), `behind links, ${message}`)),
  );
}

/** Of tables in an object store nothing is known without asking. */
async function checkTable(config: Config, id: string): Promise<Finding[]> {
  const path = ['tables', id];
  const [database = '', name = ''] = id.split('/');
  const base = config.databases[database]?.uri ?? '';
  if (isStoreUri(base)) return [];
  // Of one with namespaces only the catalog knows where it lies.
  if (name.includes('$')) return [];
  const uri = tableUri(base, name);
  try {
    // Said of the database already.
    if ((await openStore(base).folders('')) === null) return [];
    servedIndexes(await new LanceTable(openStore(uri)).latest(), tablePolicy(config, id));
    return [];
  } catch (thrown) {
    const { code, message } = asSegmentdError(thrown);
    return [
      warningAt(path, code === 'table_not_found' ? `there is no table ${uri}; segmentd waits for it` : message, code),
    ];
  }
}

type TlsOptions = {
  readonly ca_file?: string | undefined;
  readonly cert_file?: string | undefined;
  readonly key_file?: string | undefined;
};

/** `section`: where the options of these files are. */
async function checkTls(section: Path, ssl: TlsOptions = {}): Promise<Finding[]> {
  const files = await Promise.all([
    checkFile([...section, 'ca_file'], ssl.ca_file, (text) => new X509Certificate(text)),
    checkFile([...section, 'cert_file'], ssl.cert_file, (text) => new X509Certificate(text)),
    checkFile([...section, 'key_file'], ssl.key_file, createPrivateKey),
  ]);
  const findings = files.flatMap(({ finding }) => finding ?? []);
  const [, cert, key] = files;
  if (cert?.content && key?.content && !cert.content.checkPrivateKey(key.content)) {
    findings.push(errorAt([...section, 'key_file'], `${ssl.key_file} is not the key of ${ssl.cert_file}`));
  }
  return findings;
}

async function checkFile<T>(
  path: Path,
  file: string | undefined,
  parse: (text: string) => T,
): Promise<{ content?: T; finding?: Finding }> {
  if (file === undefined) return {};
  try {
    const text = await readFile(file, 'utf8');
    try {
      return { content: parse(text) };
    } catch (error) {
      return { finding: errorAt(path, `${file} is not usable PEM: ${messageOf(error)}`) };
    }
  } catch (error) {
    return { finding: errorAt(path, `cannot read ${file}: ${messageOf(error)}`) };
  }
}

async function checkSecrets({ kafka }: Config): Promise<Finding[]> {
  return secretFindings(['kafka', 'sasl', 'password_file'], kafka?.sasl.password_file);
}

function secretFindings(path: Path, file: string | undefined): Finding[] {
  try {
    secretOf(undefined, file);
    return [];
  } catch (thrown) {
    return [errorAt(path, messageOf(thrown))];
  }
}

/** Made when something is found: that is no time to learn that it cannot be made. */
async function checkEvidence(config: Config): Promise<Finding[]> {
  if (!checksAny(config)) return [];
  const problem = await scratchProblem(config.verify.evidence_dir);
  return problem === undefined ? [] : [errorAt(['verify', 'evidence_dir'], `cannot be used: ${problem}`)];
}

async function checkScratch({ state }: Config): Promise<Finding[]> {
  const problem = await scratchProblem(state.scratch_dir);
  return problem === undefined
    ? []
    : [errorAt(['state', 'scratch_dir'], `cannot be used: ${problem}`, 'scratch_unusable')];
}
