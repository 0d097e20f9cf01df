/** `file:` URIs of this host, RFC 8089: `file:///a/b`, `file://localhost/a/b` and `file:/a/b`. */

/** A text that claims to be a file URI, usable or not. */
export const FILE_URI = /^file:\//i;
const LOCAL = /^file:(?:\/\/(?:localhost)?(?=\/)|(?=\/(?!\/)))/i;

/**
 * The absolute path that a file URI names, its percent-escapes decoded; `.` and `..` are left in it for the caller to resolve or
 * refuse. Unlike Node's fileURLToPath, it drops no query, line end or tab, and takes no backslash for a slash. Throws an Error that says
 * why for a URI of another host, and for one that no file can have.
 */
export function pathOfFileUri(uri: string): string {
  const [prefix] = LOCAL.exec(uri) ?? [];
  if (prefix === undefined) throw new Error('its host is neither empty nor localhost');
  const encoded = uri.slice(prefix.length);
  if (/[?#]/.test(encoded)) throw new Error('it has a query or a fragment; in a name ? and # are written %3F and %23');
  if (/\\|%(?:2f|5c|00)|\0/i.test(encoded)) throw new Error('it has a backslash, or an encoded slash or NUL');
  try {
    return decodeURIComponent(encoded);
  } catch (cause) {
    throw new Error('its percent-escapes are not UTF-8; % itself is written %25', { cause });
  }
}
