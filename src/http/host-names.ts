/**
 * Whom a request believes to speak to. A page of any site can have its own name lead to 127.0.0.1 once it is loaded ("DNS rebinding"),
 * and its browser then lets it read what a listener there answers. Such requests carry the name of that site in `Host`.
 */
import { isIP } from 'node:net';
import { hostname } from 'node:os';

/** `name`, `address`, `[address]`, each with a port or without. */
const HOST = /^(?:\[([^\]]+)\]|([^:]*))(?::\d*)?$/;

/** An address that only this machine reaches. */
export const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/.test(address);

const plain = (name: string) => name.toLowerCase().replace(/\.$/, '');

/**
 * Whether a request with this `Host` is meant for this machine: an address, `localhost`, the machine's own name, or one of `names`. One
 * without it is no browser's.
 */
export function isMeantForUs(host: string | undefined, names: readonly string[]): boolean {
  if (host === undefined) return true;
  const [, address, name = ''] = HOST.exec(host) ?? [];
  if (address !== undefined) return isIP(address) === 6;
  if (isIP(name) === 4) return true;
  return name !== '' && ['localhost', hostname(), ...names].map(plain).includes(plain(name));
}
