/** What is wrong with the token of operators and with the socket that they connect to. Looks, and changes nothing. */
import { constants } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../config/schema.ts';
import { errnoOf, messageOf } from '../lib/errors.ts';
import { tokenOf, weakness } from '../lib/operators-token.ts';
import type { Finding } from './findings.ts';
import { errorAt, warningAt } from './findings.ts';

type Admin = Pick<Config, 'admin'>;

/** Never rejects. */
export async function checkAdmin({ admin }: Admin): Promise<Finding[]> {
  return [...checkToken(admin), ...(admin.socket === undefined ? [] : await checkSocket(admin.socket))];
}

function checkToken({ token, token_file: file }: Config['admin']): Finding[] {
  const path = ['admin', file === undefined ? 'token' : 'token_file'];
  try {
    const given = tokenOf(token, file);
    const problem = given === undefined ? undefined : weakness(given);
    return problem === undefined ? [] : [warningAt(path, problem)];
  } catch (thrown) {
    return [errorAt(path, messageOf(thrown))];
  }
}

/** The folder of the socket, which is made in it at start, and what stands in its place. */
async function checkSocket(socket: string): Promise<Finding[]> {
  const path = ['admin', 'socket'];
  if (Buffer.byteLength(socket) > MOST_BYTES) {
    return [errorAt(path, `is longer than the ${MOST_BYTES} bytes that systems allow: ${socket}`)];
  }
  const folder = dirname(socket);
  try {
    if (!(await stat(folder)).isDirectory()) return [errorAt(path, `${folder} is no folder`)];
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (error) {
    return [errorAt(path, `${folder} cannot be written to: ${errnoOf(error) ?? messageOf(error)}`)];
  }
  const entry = await lstat(socket).catch(() => undefined);
  // One that a killed daemon left behind is replaced at start.
  return entry === undefined || entry.isSocket()
    ? []
    : [errorAt(path, `${socket} is there and no socket: segmentd does not delete it`)];
}

/** Of a path that is a socket: those of macOS; Linux allows 107. */
const MOST_BYTES = 103;
