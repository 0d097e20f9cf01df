/**
 * URIs of object stores: `s3://bucket/folder`, `gs://bucket/folder` and `az://container/folder`. Lance decodes escapes in a URI, resolves
 * `..`, and drops or misplaces what follows `?` and `#`. All of that is refused, so that the key that segmentd writes to is the key that
 * Lance reads.
 */

/** The schemes that are served. */
export const STORE_SCHEMES = ['s3', 'gs', 'az'] as const;
export type StoreScheme = (typeof STORE_SCHEMES)[number];

/** How a text begins that claims to be a URI, usable or not, and no file's. */
export const STORE_SCHEME = /^(?!file:)([a-z][a-z0-9+.-]*):\/\//i;

export const isStoreUri = (text: string): boolean => STORE_SCHEME.test(text);

const AZURE = 'write az://<container>/<folder>, and account_name in storage_options';
const ENDPOINT = 'write s3://, gs:// or az://, and the address in storage_options as endpoint';

/** What to do instead, for schemes that somebody may well try. */
const INSTEAD: Readonly<Record<string, string>> = {
  s3a: 'write s3://',
  s3n: 'write s3://',
  's3+ddb': 'DynamoDB holds the manifests there: move every writer to s3://, which needs no DynamoDB any more',
  gcs: 'write gs://',
  abfs: AZURE,
  abfss: AZURE,
  adl: AZURE,
  azure: AZURE,
  wasb: AZURE,
  wasbs: AZURE,
  cos: 'Tencent COS lets two writers create one object: keep the tables in a store that honours If-None-Match',
  cosn: 'Tencent COS lets two writers create one object: keep the tables in a store that honours If-None-Match',
  oss: 'Alibaba OSS has no conditional put for S3 clients: keep the tables in a store that honours If-None-Match',
  memory: 'such tables are seen by one process alone: keep them in a folder or in an object store',
  http: ENDPOINT,
  https: ENDPOINT,
};

/** Of buckets and containers; old S3 buckets included. */
const BUCKET = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
/** S3 Express: a listing has no order, so that the last version is found by a hint alone. */
const DIRECTORY_BUCKET = /--xa?-s3$/;
/** What URIs give a meaning to, or what LanceDB's parser of URIs drops or escapes. */
const UNFIT = /[%?#\\^`{}[\]"<>|\p{Cc}]/u;

/** The same as storeUriProblem, for a JSON Schema, without ^ and $. */
export const STORE_URI_PATTERN = (() => {
  const fit = String.raw`[^/%?#\\^\x60{}\[\]"<>|\u0000-\u001f\u007f-\u009f]`;
  const folder = String.raw`/(?!\.{1,2}(?:/|$))${fit}+`;
  return String.raw`(?:[Ss]3://(?![^/]*--xa?-s3(?:/|$))|[Gg][Ss]://|[Aa][Zz]://)[A-Za-z0-9][A-Za-z0-9._\-]*(?:${folder})*/*`;
})();

/** Why segmentd does not serve `uri`, with what to do instead, or undefined. Says nothing of what the URI may have in it that is secret. */
export function storeUriProblem(uri: string): string | undefined {
  const scheme = STORE_SCHEME.exec(uri)?.[1]?.toLowerCase();
  if (scheme === undefined) return 'is not the URI of an object store';
  if (!isServed(scheme)) {
    const instead = Object.hasOwn(INSTEAD, scheme)
      ? INSTEAD[scheme]
      : 'segmentd serves folders, s3://, gs:// and az://';
    return `${scheme}:// is not supported: ${instead}`;
  }
  const [bucket = '', ...folders] = partsOf(uri);
  if (bucket.includes('@')) return 'has a user in it: credentials belong into storage_options, or the environment';
  const unfit = UNFIT.exec(uri)?.[0];
  if (unfit !== undefined) return `has ${JSON.stringify(unfit)} in it, which Lance does not take as it stands`;
  return bucketProblem(scheme, bucket) ?? folderProblem(uri, folders);
}

function bucketProblem(scheme: StoreScheme, bucket: string): string | undefined {
  if (bucket === '') return `names no ${scheme === 'az' ? 'container' : 'bucket'}`;
  if (bucket.includes(':')) return 'has a port in it: write the address in storage_options as endpoint';
  if (!BUCKET.test(bucket)) return `has a name in it that no ${scheme === 'az' ? 'container' : 'bucket'} has`;
  if (scheme === 's3' && DIRECTORY_BUCKET.test(bucket)) {
    return 'is a directory bucket, whose listings have no order: keep the tables in a general purpose bucket';
  }
  return undefined;
}

function folderProblem(uri: string, folders: readonly string[]): string | undefined {
  if (folders.includes('')) return 'has an empty folder in it: write one slash between folders';
  if (folders.includes('.') || folders.includes('..')) return 'has . or .. in it: write the folder out';
  return /\s$/.test(uri) ? 'ends with a blank' : undefined;
}

const isServed = (scheme: string): scheme is StoreScheme => (STORE_SCHEMES as readonly string[]).includes(scheme);

/** Bucket and folders. */
const partsOf = (uri: string) => uri.replace(STORE_SCHEME, '').replace(/\/+$/, '').split('/');

/** The one spelling of a URI that storeUriProblem finds fine: the scheme in lower case, without a slash at its end. */
export function normalStoreUri(uri: string): string {
  return `${schemeOf(uri)}://${partsOf(uri).join('/')}`;
}

/** The scheme of a URI that storeUriProblem finds fine. */
export function schemeOf(uri: string): StoreScheme {
  return STORE_SCHEME.exec(uri)?.[1]?.toLowerCase() as StoreScheme;
}

/** A URI for a message: without a user, and what follows a question mark, either of which may be secret. */
export const shownUri = (uri: string): string =>
  uri.replace(/(?<=^[a-z][a-z0-9+.-]*:\/\/).*@/i, '…@').replace(/\?.*$/s, '?…');
