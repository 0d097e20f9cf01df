/**
 * LanceDB's storage options, and what becomes of each. An option has several names, in any case: `region`, `aws_region`, `AWS_REGION`. A
 * variable of the environment with one of these names counts too, after the option. Sources: the configuration keys of the object store
 * library under Lance, and lance-io.
 */
import type { StoreScheme } from './store-uri.ts';

/** `mapped`: the store's own SDK is told too. `harmless`: only LanceDB is, and segmentd does the same without. */
export type KnownOption =
  | { readonly use: 'mapped' | 'harmless'; readonly name: string }
  | { readonly use: 'refused'; readonly name: string; readonly why: string };

type OptionTable = {
  /** What the long names of most options begin with. */
  readonly prefix: RegExp;
  /** Every name of an option, in the order in which variables win. */
  readonly mapped: Readonly<Record<string, readonly string[]>>;
  readonly harmless: readonly string[];
  readonly refused: Readonly<Record<string, string>>;
};

/** How LanceDB's client speaks HTTP, and what new tables are like: segmentd makes none. */
const HARMLESS = [
  ...['user_agent', 'default_content_type', 'randomize_addresses', 'read_timeout', 'http1_only', 'http2_only'],
  ...['http2_keep_alive_interval', 'http2_keep_alive_timeout', 'http2_keep_alive_while_idle', 'http2_max_frame_size'],
  ...['pool_idle_timeout', 'pool_max_idle_per_host', 'download_retry_count', 'client_max_retries'],
  ...['client_retry_timeout', 'disable_tagging', 'new_table_data_storage_version', 'new_table_enable_stable_row_ids'],
  'new_table_enable_v2_manifest_paths',
];
/** Of Lance's own limit on requests: `lance_aimd_initial_rate` and others. */
const RATE_LIMIT = /^lance_aimd_/;

const IN_URI = 'the URI names it';
const TLS = 'let this machine trust the certificate instead';
const PROXY = 'set HTTPS_PROXY and NO_PROXY in the environment, where every client reads them';
const CHAIN = 'set it in the environment, where LanceDB and the SDK both look for credentials';

const REFUSED = {
  allow_invalid_certificates: TLS,
  disable_system_certificates: TLS,
  proxy_ca_certificate: TLS,
  proxy_excludes: PROXY,
  use_opendal: 'its reader understands other options',
  bucket: IN_URI,
  bucket_name: IN_URI,
};

const both = (prefix: string, ...names: readonly string[]): readonly string[] =>
  names.flatMap((name) => [prefix + name, name]);

const S3: OptionTable = {
  prefix: /^aws_/,
  mapped: {
    aws_access_key_id: both('aws_', 'access_key_id'),
    aws_secret_access_key: both('aws_', 'secret_access_key'),
    aws_session_token: both('aws_', 'session_token', 'token'),
    aws_region: both('aws_', 'region', 'default_region'),
    aws_endpoint: ['aws_endpoint_url_s3', ...both('aws_', 'endpoint_url', 'endpoint')],
    allow_http: both('aws_', 'allow_http'),
    aws_virtual_hosted_style_request: both('aws_', 'virtual_hosted_style_request'),
    aws_skip_signature: both('aws_', 'skip_signature'),
    aws_server_side_encryption: both('aws_', 'server_side_encryption'),
    aws_sse_kms_key_id: both('aws_', 'sse_kms_key_id'),
    aws_sse_bucket_key_enabled: both('aws_', 'sse_bucket_key_enabled'),
    aws_request_payer: both('aws_', 'request_payer'),
    connect_timeout: both('aws_', 'connect_timeout'),
    timeout: both('aws_', 'timeout'),
    proxy_url: both('aws_', 'proxy_url'),
    // Nothing to tell the SDK of the one value that is allowed.
    aws_conditional_put: both('aws_', 'conditional_put'),
  },
  // Nothing is copied, and LanceDB only reads.
  harmless: [...HARMLESS, 'unsigned_payload', 'checksum_algorithm', 'copy_if_not_exists'],
  refused: {
    ...REFUSED,
    disable_bulk_delete: 'segmentd removes what it gave up in one request',
    s3_express: 'listings of directory buckets have no order: keep the tables in a general purpose bucket',
    sse_customer_key_base64: 'segmentd holds no keys of customers: encrypt with AES256 or aws:kms',
    provider_scheme: CHAIN,
    imdsv1_fallback: CHAIN,
    metadata_endpoint: CHAIN,
    container_credentials_relative_uri: CHAIN,
    container_credentials_full_uri: CHAIN,
    container_authorization_token_file: CHAIN,
    web_identity_token_file: CHAIN,
    role_arn: CHAIN,
    role_session_name: CHAIN,
    endpoint_url_sts: CHAIN,
  },
};

const GCS: OptionTable = {
  prefix: /^google_/,
  mapped: {
    google_service_account: both('google_', 'service_account', 'service_account_path'),
    google_service_account_key: both('google_', 'service_account_key'),
    google_application_credentials: both('google_', 'application_credentials'),
    google_bearer_token: ['google_storage_token', ...both('google_', 'bearer_token')],
    google_base_url: both('google_', 'base_url'),
  },
  harmless: [...HARMLESS, 'allow_http', 'connect_timeout', 'timeout'],
  refused: {
    ...REFUSED,
    proxy_url: PROXY,
    skip_signature: 'segmentd writes, which needs credentials; an emulator takes any bearer_token',
    service_account_file: 'write service_account_path',
    service_account_path_file: 'write service_account_path',
    service_account_key_file: 'write service_account_path',
    application_credentials_file: 'write application_credentials',
  },
};

const AZURE: OptionTable = {
  prefix: /^azure_(?:storage_)?/,
  mapped: {
    azure_storage_account_name: ['azure_storage_account_name', 'account_name'],
    azure_storage_account_key: both('azure_storage_', 'account_key', 'access_key', 'master_key'),
    azure_storage_sas_key: both('azure_storage_', 'sas_token', 'sas_key'),
    azure_storage_client_id: ['azure_storage_client_id', 'azure_client_id', 'client_id'],
    azure_storage_client_secret: ['azure_storage_client_secret', 'azure_client_secret', 'client_secret'],
    azure_storage_tenant_id: [
      ...['azure_storage_tenant_id', 'azure_storage_authority_id', 'azure_tenant_id', 'azure_authority_id'],
      ...['tenant_id', 'authority_id'],
    ],
    azure_storage_endpoint: ['azure_storage_endpoint', 'azure_endpoint', 'endpoint'],
    azure_storage_use_emulator: ['azure_storage_use_emulator', 'object_store_use_emulator', 'use_emulator'],
    allow_http: both('azure_', 'allow_http'),
  },
  // The SDK's chain ends with the command line of Azure too.
  harmless: [...HARMLESS, 'connect_timeout', 'timeout', 'use_azure_cli'],
  refused: {
    ...REFUSED,
    container_name: IN_URI,
    proxy_url: PROXY,
    skip_signature: 'segmentd writes, which needs credentials',
    token: 'it is not refreshed: write sas_token, or client_id with client_secret and tenant_id',
    bearer_token: 'it is not refreshed: write sas_token, or client_id with client_secret and tenant_id',
    encryption_key: 'segmentd holds no keys of customers',
    credential_type: 'write the credentials of one type alone',
    use_fabric_endpoint: 'write endpoint',
    authority_host: CHAIN,
    msi_endpoint: CHAIN,
    identity_endpoint: CHAIN,
    object_id: CHAIN,
    msi_resource_id: CHAIN,
    federated_token_file: CHAIN,
  },
};

const TABLES: Readonly<Record<StoreScheme, OptionTable>> = { s3: S3, gs: GCS, az: AZURE };

/** The option that a name means, undefined for none that LanceDB or segmentd has. */
export function knownOption(scheme: StoreScheme, given: string): KnownOption | undefined {
  const { prefix, mapped, harmless, refused } = TABLES[scheme];
  const lower = given.toLowerCase();
  const name = Object.keys(mapped).find((option) => mapped[option]?.includes(lower));
  if (name !== undefined) return { use: 'mapped', name };
  const bare = lower.replace(prefix, '');
  if (harmless.includes(bare) || RATE_LIMIT.test(lower)) return { use: 'harmless', name: lower };
  const why = Object.hasOwn(refused, bare) ? refused[bare] : undefined;
  if (why !== undefined) return { use: 'refused', name: bare, why };
  const file = baseOf(scheme, lower);
  return file === undefined ? undefined : knownOption(scheme, file);
}

/** The option whose value is in the file that `given` names, as `secret_access_key` of `secret_access_key_file`; undefined for others. */
export function optionInFile(scheme: StoreScheme, given: string): string | undefined {
  const lower = given.toLowerCase();
  const { prefix, refused } = TABLES[scheme];
  return Object.hasOwn(refused, lower.replace(prefix, '')) ? undefined : baseOf(scheme, lower);
}

/** Options whose value is a path, beside those in files. */
const PATHS: ReadonlySet<string> = new Set(['google_service_account', 'google_application_credentials']);

/** Whether the value is the path of a local file. */
export function isPathOption(scheme: StoreScheme, given: string): boolean {
  return optionInFile(scheme, given) !== undefined || PATHS.has(knownOption(scheme, given)?.name ?? '');
}

function baseOf(scheme: StoreScheme, lower: string): string | undefined {
  if (!lower.endsWith('_file')) return undefined;
  const base = lower.slice(0, -'_file'.length);
  return Object.values(TABLES[scheme].mapped).some((names) => names.includes(base)) ? base : undefined;
}

/** The mapped options that variables set, under the name of the option. An empty variable counts as none. */
export function optionsOfEnvironment(
  scheme: StoreScheme,
  env: Readonly<Record<string, string | undefined>>,
): ReadonlyMap<string, { readonly variable: string; readonly value: string }> {
  const variables = new Map(
    Object.entries(env).map(([variable, value]) => [variable.toLowerCase(), { variable, value }]),
  );
  const found = new Map<string, { variable: string; value: string }>();
  for (const [name, names] of Object.entries(TABLES[scheme].mapped)) {
    const set = names.map((it) => variables.get(it)).find((it) => it?.value);
    if (set?.value) found.set(name, { variable: set.variable, value: set.value });
  }
  return found;
}
