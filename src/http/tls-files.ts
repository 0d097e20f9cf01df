/** The certificate of a listener and its key, as files that are replaced while it runs. */
import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { messageOf, SegmentdError } from '../lib/errors.ts';

export type TlsFiles = {
  readonly certFile: string;
  readonly keyFile: string;
  /** Told of the first of several failures in a row to read them again: what they held last stays in force. */
  failed(error: unknown): void;
  /** Told of a pair that has taken the place of the last one, with the time until which its certificate is valid. */
  renewed(validTo: Date): void;
  /** For tests: how often they are looked at, milliseconds. */
  readonly everyMs?: number;
};

type Pair = { readonly cert: string; readonly key: string };

/** Two small files, which the system has in memory. Tools that renew certificates do so days before the old ones end. */
const EVERY_MS = 3_000;

/** Errors: config_invalid. */
export function watchTlsFiles({ certFile, keyFile, failed, renewed, everyMs = EVERY_MS }: TlsFiles) {
  const read = (): Pair => {
    const pair = { cert: readFileSync(certFile, 'utf8'), key: readFileSync(keyFile, 'utf8') };
    // Throws for what is no certificate, and for a key of another: one of two files may be replaced a moment before the other.
    createSecureContext(pair);
    return pair;
  };
  let pair = readFirst(read, certFile, keyFile);
  let isFailing = false;
  let changed: (pair: Pair) => void = () => undefined;
  const look = () => {
    try {
      const next = read();
      isFailing = false;
      if (next.cert === pair.cert && next.key === pair.key) return;
      pair = next;
      changed(pair);
      renewed(new X509Certificate(pair.cert).validToDate);
    } catch (error) {
      if (!isFailing) failed(error);
      isFailing = true;
    }
  };
  const timer = setInterval(look, everyMs).unref();
  return {
    /** What they hold now. */
    pair,
    onChange(listener: (pair: Pair) => void): void {
      changed = listener;
    },
    close: () => clearInterval(timer),
  };
}

function readFirst(read: () => Pair, certFile: string, keyFile: string): Pair {
  try {
    return read();
  } catch (error) {
    const message = `cannot speak TLS with ${certFile} and ${keyFile}: ${messageOf(error)}`;
    throw new SegmentdError('config_invalid', message, { cause: error });
  }
}
