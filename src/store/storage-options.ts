/**
 * LanceDB's storage options, told to the SDKs: the one place that maps them. Both look at the same options and variables, so that segmentd
 * commits where LanceDB reads.
 */
import { durationMs } from '../lib/duration.ts';
import { SegmentdError } from '../lib/errors.ts';
import { knownOption, optionInFile, optionsOfEnvironment } from '../lib/known-storage-options.ts';
import { secretOf } from '../lib/secret.ts';
import { truthOf } from '../lib/storage-options-problem.ts';
import type { StoreScheme } from '../lib/store-uri.ts';
import { STORE_SCHEMES, schemeOf } from '../lib/store-uri.ts';

type Options = Readonly<Record<string, string>>;
type Environment = Readonly<Record<string, string | undefined>>;

/** Of what is undefined the SDK decides. Keys come in pairs; without them, the default chain of credentials. */
export type S3Settings = {
  readonly accessKeyId?: string | undefined;
  readonly secretAccessKey?: string | undefined;
  readonly sessionToken?: string | undefined;
  readonly region?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly allowHttp?: boolean | undefined;
  readonly virtualHostedStyle?: boolean | undefined;
  readonly skipSignature?: boolean | undefined;
  /** `AES256`, `aws:kms` or `aws:kms:dsse`. */
  readonly serverSideEncryption?: string | undefined;
  readonly sseKmsKeyId?: string | undefined;
  readonly bucketKeyEnabled?: boolean | undefined;
  readonly requestPayer?: boolean | undefined;
  readonly connectTimeoutMs?: number | undefined;
  /** Of a whole request. */
  readonly timeoutMs?: number | undefined;
  readonly proxyUrl?: string | undefined;
};

/** The first of these that is there wins, else the default chain: bearer token, service account, application credentials. */
export type GcsSettings = {
  readonly bearerToken?: string | undefined;
  /** Path of the JSON file of a service account. */
  readonly serviceAccountPath?: string | undefined;
  /** What such a file holds. */
  readonly serviceAccountKey?: string | undefined;
  /** Path of a JSON file of credentials of any type. */
  readonly applicationCredentials?: string | undefined;
  readonly baseUrl?: string | undefined;
};

/**
 * The first of these that is there wins, else the default chain: account key, client with its secret and tenant, token. An emulator without
 * any of them has the key that all emulators have.
 */
export type AzureSettings = {
  readonly accountName?: string | undefined;
  readonly accountKey?: string | undefined;
  readonly clientId?: string | undefined;
  readonly clientSecret?: string | undefined;
  readonly tenantId?: string | undefined;
  readonly sasToken?: string | undefined;
  readonly endpoint?: string | undefined;
  readonly useEmulator?: boolean | undefined;
  readonly allowHttp?: boolean | undefined;
};

/**
 * The options with what lies in files: `<name>_file` becomes `<name>` with the content of the file, without its one line end. Files are read
 * anew by each call, as their secrets may have been renewed. Errors: config_invalid, with the path and never the content.
 */
export function resolveStorageOptions(options: Options): Record<string, string> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => {
      const isInFile = STORE_SCHEMES.some((scheme) => optionInFile(scheme, name) !== undefined);
      return isInFile ? [name.slice(0, -'_file'.length), secretOf(undefined, value) as string] : [name, value];
    }),
  );
}

/** Further names under which LanceDB would find another value in the environment, and prefer it. */
const TWIN_NAMES: Readonly<Record<string, string>> = {
  aws_endpoint: 'aws_endpoint_url_s3',
  google_bearer_token: 'google_storage_token',
};

/**
 * The options as LanceDB is to be given them, read from files where they lie in some. Each has the name that LanceDB prefers: under another
 * one, a variable of the environment for the same option would win or lose at random (lance 12), and a default region would be overlooked.
 * Errors: as resolveStorageOptions.
 */
export function engineStorageOptions(uri: string, options: Options): Record<string, string> {
  const scheme = schemeOf(uri);
  const named: Record<string, string> = {};
  for (const [given, value] of Object.entries(resolveStorageOptions(options))) {
    const name = knownOption(scheme, given)?.name ?? given;
    named[name] = value;
    const twin = TWIN_NAMES[name];
    if (twin !== undefined) named[twin] = value;
  }
  return named;
}

/** Looks options up by the name that LanceDB prefers. */
type Lookup = {
  text(name: string): string | undefined;
  truth(name: string): boolean | undefined;
  milliseconds(name: string): number | undefined;
};

/** Options that are resolved, and then variables. Errors, on reading a value that is none: config_invalid, with the name alone. */
function lookupOf(scheme: StoreScheme, options: Options, env: Environment): Lookup {
  const values = new Map([...optionsOfEnvironment(scheme, env)].map(([name, { value }]) => [name, value]));
  for (const [given, value] of Object.entries(options)) {
    const option = knownOption(scheme, given);
    if (option?.use === 'mapped') values.set(option.name, value);
  }
  function parsed<T>(name: string, parse: (text: string) => T | null): T | undefined {
    const text = values.get(name);
    if (text === undefined) return undefined;
    const value = parse(text);
    if (value === null) throw new SegmentdError('config_invalid', `the storage option ${name} has no usable value`);
    return value;
  }
  return {
    text: (name) => values.get(name),
    truth: (name) => parsed(name, truthOf),
    milliseconds: (name) => parsed(name, durationMs),
  };
}

/** What S3's SDK has to know. `options` are resolved. Errors: config_invalid. */
export function s3Settings(options: Options, env: Environment): S3Settings {
  const { text, truth, milliseconds } = lookupOf('s3', options, env);
  const [accessKeyId, secretAccessKey] = [text('aws_access_key_id'), text('aws_secret_access_key')];
  const isPair = accessKeyId !== undefined && secretAccessKey !== undefined;
  return {
    accessKeyId: isPair ? accessKeyId : undefined,
    secretAccessKey: isPair ? secretAccessKey : undefined,
    sessionToken: isPair ? text('aws_session_token') : undefined,
    region: text('aws_region'),
    endpoint: text('aws_endpoint'),
    allowHttp: truth('allow_http'),
    virtualHostedStyle: truth('aws_virtual_hosted_style_request'),
    skipSignature: truth('aws_skip_signature'),
    serverSideEncryption: text('aws_server_side_encryption'),
    sseKmsKeyId: text('aws_sse_kms_key_id'),
    bucketKeyEnabled: truth('aws_sse_bucket_key_enabled'),
    requestPayer: text('aws_request_payer')?.toLowerCase() === 'requester' || truth('aws_request_payer'),
    connectTimeoutMs: milliseconds('connect_timeout'),
    timeoutMs: milliseconds('timeout'),
    proxyUrl: text('proxy_url'),
  };
}

/** What the SDK of Google Cloud Storage has to know. `options` are resolved. */
export function gcsSettings(options: Options, env: Environment): GcsSettings {
  const { text } = lookupOf('gs', options, env);
  return {
    bearerToken: text('google_bearer_token'),
    serviceAccountPath: text('google_service_account'),
    serviceAccountKey: text('google_service_account_key'),
    applicationCredentials: text('google_application_credentials'),
    baseUrl: text('google_base_url'),
  };
}

/** What Azure's SDK has to know. `options` are resolved. Errors: config_invalid. */
export function azureSettings(options: Options, env: Environment): AzureSettings {
  const { text, truth } = lookupOf('az', options, env);
  return {
    accountName: text('azure_storage_account_name'),
    accountKey: text('azure_storage_account_key'),
    clientId: text('azure_storage_client_id'),
    clientSecret: text('azure_storage_client_secret'),
    tenantId: text('azure_storage_tenant_id'),
    sasToken: text('azure_storage_sas_key'),
    endpoint: text('azure_storage_endpoint'),
    useEmulator: truth('azure_storage_use_emulator'),
    allowHttp: truth('allow_http'),
  };
}
