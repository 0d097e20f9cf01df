/** Clients of an SDK: those that are set up alike are one, with its connections, tokens and budget of retries. */
import { RecentMap } from '../lib/recent-map.ts';

/** Sets of options at a time. A process has one for each database at most; one that is forgotten works on for who holds it. */
const MOST_CLIENTS = 100;

/** Makes clients once for each settings. One that could not be made is tried again. */
export function sharedClients<Settings, Clients>(
  make: (settings: Settings) => Promise<Clients>,
): (settings: Settings) => Promise<Clients> {
  const known = new RecentMap<string, Promise<Clients>>(MOST_CLIENTS);
  return (settings) => {
    const key = JSON.stringify(settings);
    const clients = known.get(key) ?? make(settings);
    // Set again, so that what is in use is not evicted.
    known.set(key, clients);
    clients.catch(() => {
      if (known.get(key) === clients) known.delete(key);
    });
    return clients;
  };
}
