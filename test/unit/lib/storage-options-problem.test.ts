import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { storageOptionsProblem, truthOf } from '../../../src/lib/storage-options-problem.ts';

type Texts = Record<string, string>;

const S3 = 's3://bucket/lake';
const KEYS = { access_key_id: 'a', secret_access_key: 'b' };
const HTTP = { endpoint: 'http://localhost:9000', allow_http: 'true' };

describe('nothing is wrong with', () => {
  test.each<[string, Texts, Texts?]>([
    [S3, {}],
    ['/data/lake', {}],
    [S3, { ...KEYS, ...HTTP, aws_session_token: 'c', region: 'eu-west-1' }],
    [S3, { AWS_ACCESS_KEY_ID: 'a', aws_secret_access_key_file: '/run/key', endpoint_file: '/run/endpoint' }],
    [S3, { conditional_put: 'etag', copy_if_not_exists: 'multipart', unsigned_payload: 'true' }],
    [S3, { server_side_encryption: 'aws:kms', sse_kms_key_id: 'arn', sse_bucket_key_enabled: 'yes' }],
    [S3, { request_payer: 'Requester', connect_timeout: '500ms', timeout: '2m', proxy_url: 'http://proxy' }],
    [S3, { virtual_hosted_style_request: 'true' }],
    [S3, { virtual_hosted_style_request: 'false', ...HTTP }],
    [S3, { region: 'eu' }, { AWS_REGION: 'us', AWS_ACCESS_KEY_ID: 'a' }],
    [S3, KEYS, { AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y', AWS_S3_EXPRESS: 'false' }],
    [S3, { ...KEYS, session_token: 'c' }, { AWS_SESSION_TOKEN: 'x' }],
    [S3, {}, { AWS_ENDPOINT: 'http://h', AWS_ALLOW_HTTP: '1', AWS_ROLE_ARN: 'arn', AWS_CONDITIONAL_PUT: 'etag' }],
    [
      'gs://bucket',
      { service_account_path: '/run/key.json', base_url: 'http://localhost:4443', client_max_retries: '3' },
    ],
    ['az://container', { account_name: 'a', account_key: 'b', azure_storage_endpoint: 'https://h' }],
    ['az://container', { account_name: 'a', use_emulator: 'true', use_azure_cli: 'false' }],
    ['s3a://refused/already', { colour: 'red' }],
  ])('%s with %j', (uri, options, env) => {
    expect(storageOptionsProblem(uri, options, env)).toEqual([]);
  });
});

describe('refused is', () => {
  test.each<[string, Texts, string, Texts?]>([
    ['/data/lake', { region: 'eu' }, 'region: a local folder has no storage options'],
    [S3, { colour: 'red' }, 'colour: is no storage option that segmentd knows for s3://'],
    [S3, { account_name: 'a' }, 'account_name: is no storage option'],
    [S3, { region: 'a', AWS_REGION: 'a' }, 'AWS_REGION: means the same as region'],
    [S3, { ...KEYS, secret_access_key_file: '/k' }, 'secret_access_key_file: means the same as secret_access_key'],
    [S3, { aws_conditional_put: 'disabled' }, 'aws_conditional_put: must be etag'],
    [S3, { conditional_put: 'dynamo:locks' }, 'conditional_put: must be etag'],
    [S3, { s3_express: 'false' }, 's3_express: listings of directory buckets'],
    [S3, { sse_customer_key_base64: 'k' }, 'sse_customer_key_base64: segmentd holds no keys'],
    [S3, { server_side_encryption: 'sse-c' }, 'server_side_encryption: must be AES256 or aws:kms'],
    [S3, { allow_invalid_certificates: 'true' }, 'allow_invalid_certificates: let this machine trust'],
    [S3, { proxy_excludes: 'h' }, 'proxy_excludes: set HTTPS_PROXY'],
    [S3, { role_arn: 'arn' }, 'role_arn: set it in the environment'],
    [S3, { 'headers.x': 'y' }, 'headers.x: is no storage option'],
    [S3, { bucket: 'b' }, 'bucket: the URI names it'],
    [S3, { disable_bulk_delete: 'true' }, 'disable_bulk_delete: segmentd removes'],
    [S3, { access_key_id: 'a' }, 'access_key_id: access_key_id and secret_access_key go together'],
    [S3, { secret_access_key_file: '/k' }, 'secret_access_key_file: access_key_id and secret_access_key go together'],
    [S3, { ...HTTP, virtual_hosted_style_request: 'on' }, 'virtual_hosted_style_request: with an endpoint'],
    [S3, { endpoint: 'http://h' }, 'endpoint: is http://, which needs allow_http: true'],
    [S3, { endpoint: 'localhost:9000' }, 'endpoint: must begin with https:// or http://'],
    [S3, { endpoint: 'https://u:s3cret@h' }, 'endpoint: must not have a user in it'],
    [S3, { endpoint: 'https://oss-cn-hangzhou.aliyuncs.com' }, 'endpoint: is Alibaba OSS'],
    [S3, { endpoint: 'https://cos.ap-guangzhou.myqcloud.com/' }, 'endpoint: is Tencent COS'],
    [S3, { allow_http: 's3cret' }, 'allow_http: must be true or false'],
    [S3, { timeout: '30' }, 'timeout: must be a whole number with its unit'],
    [S3, { timeout: '1.5s' }, 'timeout: must be a whole number with its unit'],
    ['gs://b', { skip_signature: 'true' }, 'skip_signature: segmentd writes'],
    ['gs://b', { proxy_url: 'http://p' }, 'proxy_url: set HTTPS_PROXY'],
    ['gs://b', { service_account_key_file: '/k' }, 'service_account_key_file: write service_account_path'],
    ['az://c', { token: 's3cret' }, 'token: it is not refreshed'],
    ['az://c', { use_emulator: 'true', endpoint: 'https://h' }, 'use_emulator: LanceDB then goes to'],
    ['az://c', { endpoint: 'http://h' }, 'endpoint: is http://'],
    // From the environment.
    [S3, KEYS, 'access_key_id: LanceDB would use it with AWS_SESSION_TOKEN', { AWS_SESSION_TOKEN: 's3cret' }],
    [S3, {}, 'AWS_CONDITIONAL_PUT: must be etag', { AWS_CONDITIONAL_PUT: 'disabled' }],
    [S3, {}, 'AWS_SSE_CUSTOMER_KEY_BASE64 in the environment', { AWS_SSE_CUSTOMER_KEY_BASE64: 's3cret' }],
    [S3, {}, 'AWS_S3_EXPRESS in the environment', { AWS_S3_EXPRESS: 'true' }],
    [S3, { virtual_hosted_style_request: '1' }, 'virtual_hosted', { AWS_ENDPOINT_URL: 'https://h' }],
    [S3, {}, 'AWS_ENDPOINT: is http://', { AWS_ENDPOINT: 'http://h' }],
    [S3, {}, 'TIMEOUT: must be a whole number', { TIMEOUT: '30' }],
  ])('%s with %j: %s', (uri, options, says, env) => {
    const problems = storageOptionsProblem(uri, options, env);
    expect(problems).toEqual([expect.stringContaining(says)]);
    expect(problems.join()).not.toContain('s3cret');
  });
});

test('no value is ever repeated, whatever the option', () => {
  const names = ['colour', 'endpoint', 'allow_http', 'timeout', 'conditional_put', 'region', 'access_key_id', 'token'];
  const uris = [S3, 'gs://b', 'az://c', '/data'];
  const values = fc.string({ minLength: 1, unit: 'grapheme' }).map((text) => `§${text}`);
  fc.assert(
    fc.property(fc.constantFrom(...uris), fc.dictionary(fc.constantFrom(...names), values), (uri, options) => {
      const said = storageOptionsProblem(uri, options, { AWS_ENDPOINT: '§', AWS_CONDITIONAL_PUT: '§' }).join('\n');
      expect(said).not.toContain('§');
    }),
  );
});

test('truth values are those of LanceDB', () => {
  expect(['1', 'true', 'ON', 'Yes', 'y'].map(truthOf)).toEqual([true, true, true, true, true]);
  expect(['0', 'False', 'off', 'no', 'N'].map(truthOf)).toEqual([false, false, false, false, false]);
  expect(['', 'maybe', ' true'].map(truthOf)).toEqual([null, null, null]);
});
