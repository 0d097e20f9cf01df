import { PYTHON, pythonPackage } from './python-package.ts';

/**
 * The versions of pylance that tables have to be right for; pylance n carries lance n. The dependencies of each are those pip
 * chooses for it, since no one set of them fits every Python.
 */
export const PYLANCE_VERSIONS = {
  /** The oldest lance that we promise to share tables with: five majors behind the engine in LanceDB 0.39, which is lance 12. */
  oldest: '7.0.0',
  /** The last major before lance 12: what a reader has that is upgraded one step behind its writers. */
  middle: '11.0.0',
  /** The newest on the registry, two majors ahead of our engine: it may write what lance 12 has never seen. */
  newest: '14.0.2',
} as const;
/** Each of these majors has a row in docs/compatibility.md. */
export const ALL_PYLANCE: readonly string[] = [
  ...[PYLANCE_VERSIONS.oldest, '8.0.1', '9.0.1', '10.0.0'],
  ...[PYLANCE_VERSIONS.middle, '12.0.0', '13.0.0', PYLANCE_VERSIONS.newest],
];

export type PylanceVersion = (typeof PYLANCE_VERSIONS)[keyof typeof PYLANCE_VERSIONS];

/** The newest, or all others for a long run, which follows a short one. */
export const versionsFor = (long: boolean): readonly PylanceVersion[] =>
  Object.values(PYLANCE_VERSIONS).filter((version) => (version === PYLANCE_VERSIONS.newest) !== long);

/** How to start a Python that imports one version of pylance. */
export type Pylance = { readonly python: string; readonly env: NodeJS.ProcessEnv };

/**
 * A Python with this version of pylance, which is installed below `SEGMENTD_CACHE_DIR` (default: `.cache` in the repository)
 * when it is not there yet. Undefined where it cannot be had; with `CI=true` that throws, since a check that did not run must
 * not look like one that passed.
 */
export async function findPylance(version: string): Promise<Pylance | undefined> {
  try {
    const works = `import lance; assert lance.__version__ == '${version}', lance`;
    return { python: PYTHON, env: environment(await pythonPackage('pylance', version, works)) };
  } catch (cause) {
    const say = `pylance ${version} cannot be had here: the interop tests need ${PYTHON} (3.10 or newer) with pip`;
    if (process.env.CI === 'true') throw new Error(say, { cause });
    process.stderr.write(`NOT CHECKED: ${say} (${cause})\n`);
    return undefined;
  }
}

function environment(packages: string): NodeJS.ProcessEnv {
  // Lance would tell once per dataset that its format 2.2 is new; what matters comes back as an answer.
  return { ...process.env, PYTHONPATH: packages, PYTHONDONTWRITEBYTECODE: '1', LANCE_LOG: 'error' };
}
