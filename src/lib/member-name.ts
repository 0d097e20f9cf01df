import { hostname } from 'node:os';

/** What this process is called among the members of its group: in commits, in `/status`, and in what it tells the group. */
export const memberName = (clientId: string): string => `${clientId}@${hostname()}:${process.pid}`;
