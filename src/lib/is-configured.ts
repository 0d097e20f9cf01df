/** Whether anything says which databases there are. A file of its own, since what reads a configuration takes long to load. */

/** `file`: of the command line. In the environment an empty text is none. */
export const isConfigured = (file: string | undefined, env: Readonly<Record<string, string | undefined>>): boolean =>
  file !== undefined || Boolean(env.SEGMENTD_CONFIG) || Boolean(env.SEGMENTD_DATABASES);
