/** Storage options that segmentd cannot honour: ignoring one would read or write other objects than LanceDB does, or in another way. */
import { durationMs } from './duration.ts';
import { knownOption, optionInFile, optionsOfEnvironment } from './known-storage-options.ts';
import type { StoreScheme } from './store-uri.ts';
import { isStoreUri, schemeOf, storeUriProblem } from './store-uri.ts';

type Texts = Readonly<Record<string, string | undefined>>;

/** Where an option is from, for messages: its name, or the variable. */
type Given = { readonly from: string; readonly value: string | undefined; readonly isVariable: boolean };

const TRUE = new Set(['1', 'true', 'on', 'yes', 'y']);
const FALSE = new Set(['0', 'false', 'off', 'no', 'n']);

/** A truth value as LanceDB reads one; null for anything else. */
export function truthOf(text: string): boolean | null {
  const lower = text.toLowerCase();
  if (TRUE.has(lower)) return true;
  return FALSE.has(lower) ? false : null;
}

const mustBeTruth = (value: string) => (truthOf(value) === null ? 'must be true or false' : undefined);
const mustBeTime = (value: string) =>
  durationMs(value) === null || value.includes('.')
    ? 'must be a whole number with its unit, such as 500ms, 30s or 5m'
    : undefined;
const mustBeOneOf =
  (...words: readonly string[]) =>
  (value: string) =>
    words.includes(value) ? undefined : `must be ${words.join(' or ')}`;

/** What is wrong with a value, which the message does not repeat. */
const VALUES: Readonly<Record<string, (value: string) => string | undefined>> = {
  allow_http: mustBeTruth,
  aws_virtual_hosted_style_request: mustBeTruth,
  aws_skip_signature: mustBeTruth,
  aws_sse_bucket_key_enabled: mustBeTruth,
  aws_request_payer: (value) => (value.toLowerCase() === 'requester' ? undefined : mustBeTruth(value)),
  aws_server_side_encryption: mustBeOneOf('AES256', 'aws:kms', 'aws:kms:dsse'),
  aws_conditional_put: (value) =>
    value.trim() === 'etag' ? undefined : 'must be etag: without a conditional put two writers overwrite one another',
  aws_endpoint: endpointProblem,
  connect_timeout: mustBeTime,
  timeout: mustBeTime,
  azure_storage_use_emulator: mustBeTruth,
  azure_storage_endpoint: endpointProblem,
  google_base_url: endpointProblem,
};

/** Of stores that take an S3 client and lose writes to it. */
const UNFIT_HOSTS: Readonly<Record<string, string>> = {
  'aliyuncs.com': 'is Alibaba OSS, which has no conditional put for S3 clients',
  'myqcloud.com': 'is Tencent COS, which lets two writers create one object',
};

function endpointProblem(value: string): string | undefined {
  const url = URL.parse(value);
  if (url === null || !/^https?:$/.test(url.protocol)) return 'must begin with https:// or http://';
  if (url.username !== '' || url.password !== '') return 'must not have a user in it';
  const unfit = Object.keys(UNFIT_HOSTS).find((host) => `.${url.hostname}`.endsWith(`.${host}`));
  return unfit === undefined ? undefined : UNFIT_HOSTS[unfit];
}

/**
 * Everything that is wrong with the storage options of a store or folder, each as `<option>: <what>`, without any value. `env`: variables,
 * which LanceDB reads as further options.
 */
export function storageOptionsProblem(uri: string, options: Texts, env: Texts = {}): string[] {
  const names = Object.keys(options);
  if (!isStoreUri(uri)) {
    return names.map((name) => `${name}: a local folder has no storage options; they belong to s3://, gs:// and az://`);
  }
  // Said of the URI itself.
  if (storeUriProblem(uri) !== undefined) return [];
  const scheme = schemeOf(uri);
  const given = new Map<string, Given>();
  const problems = names.flatMap((name) => nameProblem(scheme, name, options[name], given) ?? []);
  problems.push(
    ...names.filter((name) => isBroken(name, options[name])).map((name) => `${name}: has a line break in it`),
  );
  if (scheme === 's3') problems.push(...variablesProblem(env));
  for (const [name, { variable, value }] of optionsOfEnvironment(scheme, env)) {
    if (!given.has(name)) given.set(name, { from: variable, value, isVariable: true });
  }
  for (const [name, { from, value }] of given) {
    const problem = value === undefined ? undefined : VALUES[name]?.(value);
    if (problem !== undefined) problems.push(`${from}: ${problem}`);
  }
  return [...problems, ...pairProblems(scheme, given)];
}

/** Values go into headers, where a line break ends them; the key of a Google account is JSON, and may have some. */
const isBroken = (name: string, value = '') => /[\r\n\0]/.test(value) && !/service_account_key$/i.test(name);

/** Why an option cannot be taken; notes in `given` the one that can. The value of an option that lies in a file is not known here. */
function nameProblem(
  scheme: StoreScheme,
  name: string,
  value: string | undefined,
  given: Map<string, Given>,
): string | undefined {
  const option = knownOption(scheme, name);
  if (option === undefined) return `${name}: is no storage option that segmentd knows for ${scheme}://`;
  if (option.use === 'refused') return `${name}: ${option.why}`;
  const before = given.get(option.name);
  if (before !== undefined) return `${name}: means the same as ${before.from}, one of them is enough`;
  const isInFile = optionInFile(scheme, name) !== undefined;
  given.set(option.name, { from: name, value: isInFile ? undefined : value, isVariable: false });
  return undefined;
}

/** Variables that change how LanceDB reads, and of which no SDK knows. */
function variablesProblem(env: Texts): string[] {
  return Object.entries(env).flatMap(([variable, value]) => {
    const option = value ? knownOption('s3', variable) : undefined;
    const isFatal = option?.name === 's3_express' || option?.name === 'sse_customer_key_base64';
    if (option?.use !== 'refused' || !isFatal || truthOf(value ?? '') === false) return [];
    return [`${variable} in the environment: ${option.why}`];
  });
}

/** What is fine alone and not together. */
function pairProblems(scheme: StoreScheme, given: ReadonlyMap<string, Given>): string[] {
  return [...new Set([...httpProblems(given), ...(scheme === 's3' ? s3Pairs(given) : []), ...azurePairs(given)])];
}

const isTrue = (it: Given | undefined) => truthOf(it?.value ?? '') === true;

/** Without TLS, LanceDB takes an endpoint only where it is told to. */
function httpProblems(given: ReadonlyMap<string, Given>): string[] {
  return ['aws_endpoint', 'azure_storage_endpoint'].flatMap((name) => {
    const endpoint = given.get(name);
    const isPlain = /^http:/i.test(endpoint?.value ?? '');
    if (!endpoint || !isPlain || isTrue(given.get('allow_http'))) return [];
    return [`${endpoint.from}: is http://, which needs allow_http: true`];
  });
}

function s3Pairs(given: ReadonlyMap<string, Given>): string[] {
  const problems: string[] = [];
  const [id, secret] = [given.get('aws_access_key_id'), given.get('aws_secret_access_key')];
  const half = id ?? secret;
  if (half && !half.isVariable && !(id && secret)) {
    problems.push(`${half.from}: access_key_id and secret_access_key go together`);
  }
  const token = given.get('aws_session_token');
  if (token?.isVariable && id !== undefined && !id.isVariable) {
    problems.push(`${id.from}: LanceDB would use it with ${token.from} of the environment: write session_token too`);
  }
  const hosted = given.get('aws_virtual_hosted_style_request');
  if (isTrue(hosted) && given.has('aws_endpoint')) {
    problems.push(`${hosted?.from}: with an endpoint LanceDB takes that for the address of the bucket: leave it out`);
  }
  return problems;
}

function azurePairs(given: ReadonlyMap<string, Given>): string[] {
  const emulator = given.get('azure_storage_use_emulator');
  if (!isTrue(emulator) || !given.has('azure_storage_endpoint')) return [];
  return [`${emulator?.from}: LanceDB then goes to http://127.0.0.1:10000, whatever the endpoint: leave it out`];
}
