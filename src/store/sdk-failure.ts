/**
 * What an error of a store's SDK means. Such errors carry requests with their headers, signed URLs and what was signed: nothing of an error
 * but its code, its status and the first line of its message is kept, and none ever becomes the cause of another.
 */
import type { Failure, FailureKind } from './blob-driver.ts';

/** What all SDKs tell of an error, one way or the other. */
export type SdkError = {
  /** The code of the store or the SDK, such as NoSuchKey. */
  readonly code: string;
  /** Of HTTP; undefined when there was no answer. */
  readonly status: number | undefined;
  readonly message: string;
};

/** Codes that mean something else than their status. */
const KIND_OF_CODE: Readonly<Record<string, FailureKind>> = {
  // The bucket or container, not the object.
  NoSuchBucket: 'failed',
  ContainerNotFound: 'failed',
  ContainerBeingDeleted: 'failed',
  ContainerDisabled: 'failed',
  // 400 of S3.
  ExpiredToken: 'denied',
  InvalidToken: 'denied',
  TokenRefreshRequired: 'denied',
  // No credentials to begin with: of the SDKs of S3 and Azure, and of Google's tokens.
  CredentialsProviderError: 'denied',
  CredentialUnavailableError: 'denied',
  AuthenticationError: 'denied',
  AuthenticationRequiredError: 'denied',
  AggregateAuthenticationError: 'denied',
  invalid_grant: 'denied',
};

const KIND_OF_STATUS: Readonly<Record<number, FailureKind>> = {
  401: 'denied',
  403: 'denied',
  404: 'missing',
  409: 'taken',
  412: 'taken',
  429: 'throttled',
  501: 'unfit',
  503: 'throttled',
};

const SHOWN_CHARACTERS = 300;

/** Says what an error means. `bucket` is named where the trouble is the bucket. */
export function failureFrom({ code, status, message }: SdkError, bucket: string): Failure {
  const kind = KIND_OF_CODE[code] ?? KIND_OF_STATUS[status ?? 0] ?? 'failed';
  const isOfBucket = code === 'NoSuchBucket' || code.startsWith('Container');
  const what = [code, status === undefined ? '' : `(${status})`].filter(Boolean).join(' ');
  return { kind, message: `${isOfBucket ? `${bucket}: ` : ''}${what}: ${shown(message)}` };
}

/** The first line, without what follows a question mark in a URL, or stands before its host: signatures and passwords do. */
function shown(message: string): string {
  const line = message.split('\n', 1)[0] ?? '';
  return line
    .replace(/\?[^\s"',]*/g, '')
    .replace(/(?<=:\/\/)[^/\s@]*@/g, '')
    .slice(0, SHOWN_CHARACTERS);
}

/** A field of an error of unknown shape. */
export function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null ? Reflect.get(error, name) : undefined;
}

/** A field that is a text, and not an empty one. */
export function textOf(error: unknown, name: string): string | undefined {
  const value = fieldOf(error, name);
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** A field that is a number. */
export function numberOf(error: unknown, name: string): number | undefined {
  const value = fieldOf(error, name);
  return typeof value === 'number' ? value : undefined;
}

/** What an error says. That of a connection to several addresses says nothing itself. */
export function saidBy(error: unknown): string {
  const errors = fieldOf(error, 'errors');
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  return textOf(error, 'message') ?? textOf(first, 'message') ?? 'no reason was given';
}
