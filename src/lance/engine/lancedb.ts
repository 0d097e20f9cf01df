/**
 * LanceDB, loaded when it is first needed. With apache-arrow it takes as long to load as an eighth of the start of a daemon, which has nothing to build
 * yet, and some commands never need it. Rejects where there is no LanceDB for the platform.
 */
export const lancedb = () => import('@lancedb/lancedb');
