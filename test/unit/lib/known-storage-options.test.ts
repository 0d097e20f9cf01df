import { describe, expect, test } from 'vitest';
import {
  isPathOption,
  knownOption,
  optionInFile,
  optionsOfEnvironment,
} from '../../../src/lib/known-storage-options.ts';

describe('an option', () => {
  test.each([
    ['s3', 'region', 'mapped', 'aws_region'],
    ['s3', 'AWS_DEFAULT_REGION', 'mapped', 'aws_region'],
    ['s3', 'token', 'mapped', 'aws_session_token'],
    ['s3', 'aws_endpoint_url_s3', 'mapped', 'aws_endpoint'],
    ['s3', 'Endpoint_URL', 'mapped', 'aws_endpoint'],
    ['s3', 'aws_allow_http', 'mapped', 'allow_http'],
    ['s3', 'user_agent', 'harmless', 'user_agent'],
    ['s3', 'AWS_CHECKSUM_ALGORITHM', 'harmless', 'aws_checksum_algorithm'],
    ['s3', 'lance_aimd_initial_rate', 'harmless', 'lance_aimd_initial_rate'],
    ['s3', 'aws_role_arn', 'refused', 'role_arn'],
    ['s3', 'aws_web_identity_token_file', 'refused', 'web_identity_token_file'],
    ['s3', 'secret_access_key_file', 'mapped', 'aws_secret_access_key'],
    ['gs', 'service_account', 'mapped', 'google_service_account'],
    ['gs', 'GOOGLE_SERVICE_ACCOUNT_PATH', 'mapped', 'google_service_account'],
    ['gs', 'google_storage_token', 'mapped', 'google_bearer_token'],
    ['gs', 'service_account_key_file', 'refused', 'service_account_key_file'],
    ['az', 'account_name', 'mapped', 'azure_storage_account_name'],
    ['az', 'azure_storage_sas_token', 'mapped', 'azure_storage_sas_key'],
    ['az', 'AZURE_CLIENT_ID', 'mapped', 'azure_storage_client_id'],
    ['az', 'azure_federated_token_file', 'refused', 'federated_token_file'],
    ['az', 'azure_storage_token', 'refused', 'token'],
  ] as const)('of %s:// that is called %s is %s: %s', (scheme, given, use, name) => {
    expect(knownOption(scheme, given)).toMatchObject({ use, name });
  });

  test.each([
    ['s3', 'account_name'],
    ['s3', 'colour'],
    ['s3', 'aws_'],
    ['s3', 'constructor'],
    ['s3', 'endpoint_url_s3'],
    ['s3', 'user_agent_file'],
    ['gs', 'aws_region'],
    ['az', 'azure_account_name'],
  ] as const)('of %s:// that is called %s is not known', (scheme, given) => {
    expect(knownOption(scheme, given)).toBeUndefined();
  });
});

test('an option may lie in a file, unless its own name ends so', () => {
  expect(optionInFile('s3', 'AWS_SECRET_ACCESS_KEY_FILE')).toBe('aws_secret_access_key');
  expect(optionInFile('az', 'sas_token_file')).toBe('sas_token');
  for (const name of [
    'container_authorization_token_file',
    'web_identity_token_file',
    'colour_file',
    'region',
    '_file',
  ]) {
    expect(optionInFile('s3', name)).toBeUndefined();
  }
  for (const name of ['service_account_file', 'application_credentials_file']) {
    expect(optionInFile('gs', name)).toBeUndefined();
  }
});

test('values of some options are paths', () => {
  expect(
    ['service_account_path', 'GOOGLE_APPLICATION_CREDENTIALS', 'bearer_token_file'].map((name) =>
      isPathOption('gs', name),
    ),
  ).toEqual([true, true, true]);
  expect(['bearer_token', 'service_account_key', 'colour'].map((name) => isPathOption('gs', name))).toEqual([
    false,
    false,
    false,
  ]);
});

test('variables are options too, the first of several names; empty ones are none', () => {
  const env = {
    AWS_ENDPOINT: 'http://a',
    AWS_ENDPOINT_URL_S3: 'http://b',
    aws_default_region: 'eu',
    AWS_REGION: '',
    TIMEOUT: '30s',
    AWS_ROLE_ARN: 'arn',
    ACCOUNT_NAME: 'me',
    HOME: '/root',
    UNSET: undefined,
  };
  expect([...optionsOfEnvironment('s3', env)]).toEqual([
    ['aws_region', { variable: 'aws_default_region', value: 'eu' }],
    ['aws_endpoint', { variable: 'AWS_ENDPOINT_URL_S3', value: 'http://b' }],
    ['timeout', { variable: 'TIMEOUT', value: '30s' }],
  ]);
  expect([...optionsOfEnvironment('az', env).keys()]).toEqual(['azure_storage_account_name']);
});
