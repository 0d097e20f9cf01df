import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import {
  azureSettings,
  engineStorageOptions,
  gcsSettings,
  resolveStorageOptions,
  s3Settings,
} from '../../../src/store/storage-options.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

/** What is set. */
const set = (settings: object) =>
  Object.fromEntries(Object.entries(settings).filter(([, value]) => value !== undefined));

describe('secrets in files', () => {
  test('are read anew each time, without the end of the line', async () => {
    const file = join(await tempDir(), 'key');
    const options = { SECRET_ACCESS_KEY_FILE: file, service_account_path: '/a', web_identity_token_file: '/b' };
    for (const secret of ['first', 'second']) {
      await writeFile(file, `${secret}\n`);
      expect(resolveStorageOptions(options)).toEqual({
        SECRET_ACCESS_KEY: secret,
        service_account_path: '/a',
        web_identity_token_file: '/b',
      });
    }
  });

  test('that cannot be read are a problem of the configuration, which does not show them', async () => {
    const file = join(await tempDir(), 'key');
    const reading = () => resolveStorageOptions({ account_key_file: file });
    expect(reading).toThrow(
      expect.objectContaining({ code: 'config_invalid', message: expect.stringContaining(file) }),
    );
    await writeFile(file, 's3cret\ns3cret\n');
    expect(reading).toThrow(expect.objectContaining({ message: expect.not.stringContaining('s3cret') }));
  });
});

describe('LanceDB is given', () => {
  test('each option by the name that it prefers to a variable', () => {
    expect(
      engineStorageOptions('s3://b', { access_key_id: 'a', SECRET_ACCESS_KEY: 'b', default_region: 'eu' }),
    ).toEqual({
      aws_access_key_id: 'a',
      aws_secret_access_key: 'b',
      aws_region: 'eu',
    });
    expect(engineStorageOptions('az://c', { account_name: 'a', sas_token: 'b', user_agent: 'c' })).toEqual({
      azure_storage_account_name: 'a',
      azure_storage_sas_key: 'b',
      user_agent: 'c',
    });
  });

  test('an endpoint and a token by both of their names', () => {
    const endpoint = 'http://h';
    expect(engineStorageOptions('s3://b', { endpoint })).toEqual({
      aws_endpoint: endpoint,
      aws_endpoint_url_s3: endpoint,
    });
    expect(engineStorageOptions('gs://b', { bearer_token: 't' })).toEqual({
      google_bearer_token: 't',
      google_storage_token: 't',
    });
  });

  test('what lies in files', async () => {
    const file = join(await tempDir(), 'key');
    await writeFile(file, 'k');
    expect(engineStorageOptions('s3://b', { secret_access_key_file: file })).toEqual({ aws_secret_access_key: 'k' });
  });
});

describe('the SDK of S3 is told', () => {
  test('nothing without options and variables', () => {
    expect(set(s3Settings({}, {}))).toEqual({});
    expect(set(s3Settings({ user_agent: 'me' }, { HOME: '/', AWS_PROFILE: 'p' }))).toEqual({});
  });

  test('every option that is mapped', () => {
    const options = {
      ...{ access_key_id: 'a', aws_secret_access_key: 'b', token: 'c', default_region: 'eu', endpoint_url: 'http://h' },
      ...{ aws_allow_http: 'true', virtual_hosted_style_request: 'no', skip_signature: '0' },
      ...{ server_side_encryption: 'aws:kms', sse_kms_key_id: 'k', sse_bucket_key_enabled: 'yes' },
      ...{ request_payer: 'requester', connect_timeout: '500ms', timeout: '2m', proxy_url: 'http://p' },
    };
    expect(s3Settings(options, {})).toEqual({
      ...{ accessKeyId: 'a', secretAccessKey: 'b', sessionToken: 'c', region: 'eu', endpoint: 'http://h' },
      ...{ allowHttp: true, virtualHostedStyle: false, skipSignature: false },
      ...{ serverSideEncryption: 'aws:kms', sseKmsKeyId: 'k', bucketKeyEnabled: true },
      ...{ requestPayer: true, connectTimeoutMs: 500, timeoutMs: 120_000, proxyUrl: 'http://p' },
    });
  });

  test('of variables too, where there is no such option', () => {
    const env = {
      ...{ AWS_ENDPOINT: 'http://env', AWS_ALLOW_HTTP: 'true', AWS_DEFAULT_REGION: 'us' },
      ...{ AWS_ACCESS_KEY_ID: 'x', AWS_SECRET_ACCESS_KEY: 'y', AWS_SESSION_TOKEN: 'z' },
    };
    expect(set(s3Settings({ region: 'eu' }, env))).toEqual({
      ...{ region: 'eu', endpoint: 'http://env', allowHttp: true },
      ...{ accessKeyId: 'x', secretAccessKey: 'y', sessionToken: 'z' },
    });
  });

  test('of keys in pairs only: half of one leaves the default chain in place', () => {
    const env = { AWS_ACCESS_KEY_ID: 'x', AWS_SESSION_TOKEN: 'z' };
    expect(set(s3Settings({}, env))).toEqual({});
  });

  test('of no value that means nothing', () => {
    for (const options of [{ allow_http: 's3cret' }, { timeout: 's3cret' }, { request_payer: 's3cret' }]) {
      expect(() => s3Settings(options, {})).toThrow(
        expect.objectContaining({ code: 'config_invalid', message: expect.not.stringContaining('s3cret') }),
      );
    }
  });
});

test('the SDK of Google is told of credentials and addresses', () => {
  expect(set(gcsSettings({}, {}))).toEqual({});
  const options = { service_account: '/a', service_account_key: '{}', base_url: 'http://h' };
  const env = { GOOGLE_APPLICATION_CREDENTIALS: '/b', GOOGLE_STORAGE_TOKEN: 't', GOOGLE_SERVICE_ACCOUNT: '/c' };
  expect(gcsSettings(options, env)).toEqual({
    ...{ bearerToken: 't', serviceAccountPath: '/a', serviceAccountKey: '{}' },
    ...{ applicationCredentials: '/b', baseUrl: 'http://h' },
  });
});

test('the SDK of Azure is told of credentials and addresses', () => {
  expect(set(azureSettings({}, {}))).toEqual({});
  const options = {
    account_name: 'a',
    access_key: 'b',
    endpoint: 'http://h',
    use_emulator: 'false',
    allow_http: 'true',
  };
  const env = { AZURE_CLIENT_ID: 'c', AZURE_CLIENT_SECRET: 'd', AZURE_TENANT_ID: 'e', AZURE_STORAGE_SAS_TOKEN: 'f' };
  expect(azureSettings(options, env)).toEqual({
    ...{ accountName: 'a', accountKey: 'b', clientId: 'c', clientSecret: 'd', tenantId: 'e', sasToken: 'f' },
    ...{ endpoint: 'http://h', useEmulator: false, allowHttp: true },
  });
});
