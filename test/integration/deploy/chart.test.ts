/** The Helm chart: linted, rendered in every form, and what comes out checked against the schemas of Kubernetes, KEDA and the operator. */
import { execFile } from 'node:child_process';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse, parseAllDocuments, stringify } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { customResourceModels, findHelm, findKubeconform, kubernetesSchemas } from '../../../testing/deploy-tools.ts';
import { tempDir } from '../../../testing/temp-dir.ts';

const run = promisify(execFile);
const REPO = fileURLToPath(new URL('../../../', import.meta.url));
const CHART = join(REPO, 'config/deploy/helm/segmentd');
/** The oldest that Chart.yaml takes, and the newest that there are schemas of. */
const KUBERNETES = ['1.27.0', '1.37.0'];

type Values = Readonly<Record<string, unknown>>;
type Manifest = { readonly kind: string; readonly apiVersion: string; readonly [key: string]: unknown };

const LAKE = { databases: { lake: { uri: 's3://bucket/lake' } } };
const FORMS: Readonly<Record<string, Values>> = {
  plain: { config: LAKE },
  'with all there is': {
    config: {
      ...LAKE,
      admin: { host: '0.0.0.0', port: 9500, token_file: '/etc/segmentd/secrets/admin/token' },
      http: { port: 8080, anonymous: false },
      kafka: {
        brokers: ['a:9092', 'b:9092'],
        topic: 'appends',
        sasl: { mechanism: 'plain', username: 'u', password_file: '/etc/segmentd/secrets/kafka/password' },
      },
      shutdown: { drain_ms: 15_500 },
    },
    image: { digest: `sha256:${'0'.repeat(64)}` },
    imagePullSecrets: [{ name: 'registry' }],
    secrets: [
      { name: 'kafka', mountPath: '/etc/segmentd/secrets/kafka' },
      { name: 'admin', mountPath: '/etc/segmentd/secrets/admin' },
    ],
    env: [{ name: 'AWS_REGION', value: 'eu-central-1' }],
    envFrom: [{ secretRef: { name: 'aws' } }],
    serviceAccount: { annotations: { role: 'reader' } },
    scratch: { persistent: true, storageClassName: 'fast' },
    data: { existingClaim: 'tables' },
    autoscaling: { kind: 'keda', authenticationRef: 'kafka', triggerMetadata: { sasl: 'plaintext' } },
    serviceMonitor: { enabled: true, labels: { release: 'prometheus' } },
    prometheusRule: { enabled: true, labels: { release: 'prometheus' } },
    networkPolicy: {
      enabled: true,
      http: [{ namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': 'monitoring' } } }],
      admin: [{ podSelector: { matchLabels: { app: 'operator' } } }, { ipBlock: { cidr: '10.0.0.0/8' } }],
    },
    podAnnotations: { note: 'x' },
    podLabels: { team: 'data' },
    nodeSelector: { disk: 'ssd' },
    tolerations: [{ key: 'data', operator: 'Exists' }],
    affinity: { nodeAffinity: {} },
  },
  'with an HPA, and without what can be off': {
    config: LAKE,
    autoscaling: { kind: 'hpa', metricLabels: { job: 'segmentd' } },
    serviceAccount: { create: false },
    networkPolicy: { enabled: true },
    podDisruptionBudget: { enabled: false },
  },
  'without Kafka': {
    config: { ...LAKE, kafka: null, admin: { host: '127.0.0.1', token: 'x'.repeat(20) } },
    replicas: 1,
  },
};

let helm = '';
beforeAll(async () => {
  helm = await findHelm();
}, 300_000);

/** Runs helm on the chart with these values. */
async function withValues(values: Values, ...args: string[]): Promise<string> {
  const file = join(await tempDir(), 'values.yaml');
  await writeFile(file, stringify(values));
  return (await run(helm, [...args, CHART, '-f', file])).stdout;
}

const render = (values: Values) => withValues(values, 'template', 'lake');
const manifestsOf = (text: string) => parseAllDocuments(text).map((document) => document.toJS() as Manifest);
const ofKind = (manifests: readonly Manifest[], kind: string) => manifests.find((it) => it.kind === kind);

test('the chart has the version of the package, and the alerts are those of Prometheus', async () => {
  const { version } = JSON.parse(await readFile(join(REPO, 'package.json'), 'utf8'));
  expect(parse(await readFile(join(CHART, 'Chart.yaml'), 'utf8'))).toMatchObject({ version, appVersion: version });
  const rule = ofKind(manifestsOf(await render(FORMS['with all there is'] as Values)), 'PrometheusRule');
  expect(rule?.spec).toEqual(parse(await readFile(join(REPO, 'config/prometheus/rules.yml'), 'utf8')));
});

describe.each(Object.entries(FORMS))('%s', (_, values) => {
  test('helm finds nothing to complain of', async () => {
    expect(await withValues(values, 'lint', '--strict')).toContain('0 chart(s) failed');
  });

  test.each(KUBERNETES)('Kubernetes %s takes every resource of its own', async (version) => {
    const kubeconform = await findKubeconform();
    const args = ['-strict', '-skip', 'ServiceMonitor,PrometheusRule,ScaledObject', '-summary'];
    const checking = run(kubeconform, [...args, '-schema-location', await kubernetesSchemas(version)]);
    checking.child.stdin?.end(await render(values));
    expect((await checking).stdout).toMatch(/Valid: [3-9], Invalid: 0, Errors: 0/);
  });

  test('KEDA and the Prometheus operator take the rest', async () => {
    await checkCustom(manifestsOf(await render(values)));
  });

  test('segmentd takes the configuration, and its limits hold', async () => {
    const manifests = manifestsOf(await render(values));
    const file = join(await tempDir(), 'segmentd.yaml');
    const { data } = ofKind(manifests, 'ConfigMap') as { data?: Record<string, string> };
    await writeFile(file, data?.['segmentd.yaml'] ?? '');
    const config = loadConfig({ file, env: {}, cwd: '/' });
    const { spec } = ofKind(manifests, 'Deployment') as unknown as Deployment;
    const pod = spec.template.spec;
    const [container] = pod.containers;
    // The drain, then a request to Kafka, a second to leave the group, and the rest for whatever is slow.
    const needed = config.shutdown.drain_ms + (config.kafka?.request_timeout_ms ?? 0);
    expect(pod.terminationGracePeriodSeconds * 1000).toBeGreaterThan(needed + 10_000);
    expect(container?.securityContext.readOnlyRootFilesystem).toBe(true);
    const writable = container?.volumeMounts.filter(({ readOnly }) => !readOnly).map(({ mountPath }) => mountPath);
    expect(writable?.some((path) => config.state.scratch_dir.startsWith(`${path}/`))).toBe(true);
    expect(writable).toContain('/tmp');
    const paths = container?.volumeMounts.map(({ mountPath }) => mountPath) ?? [];
    const { admin, kafka } = config;
    for (const secret of [admin.token_file, kafka?.sasl.password_file]) {
      if (secret !== undefined) expect(paths.some((path) => secret.startsWith(`${path}/`))).toBe(true);
    }
  });
});

/** Names of ports by the kind of resource that has them, and what they lead to. */
function portsOf(manifests: readonly Manifest[]) {
  const { spec } = ofKind(manifests, 'Deployment') as unknown as Deployment;
  const ports = spec.template.spec.containers.flatMap((it) => it.ports);
  const service = ofKind(manifests, 'Service') as unknown as {
    spec: { ports: { name: string; port: number; targetPort: string }[] };
  };
  return {
    pod: Object.fromEntries(ports.map(({ name, containerPort }) => [name, containerPort])),
    // The Service has no address of its own: what it calls a port is the port that its clients dial.
    service: Object.fromEntries(service.spec.ports.map(({ name, port }) => [name, port])),
    targets: service.spec.ports.map(({ name, targetPort }) => name === targetPort),
  };
}

test.each([
  ['plain', { http: 9464 }],
  ['with all there is', { http: 8080, admin: 9500 }],
  // It listens on the loopback address: for kubectl port-forward alone.
  ['without Kafka', { http: 9464 }],
])('%s: pod and Service have the ports that the configuration says others reach', async (form, ports) => {
  const manifests = manifestsOf(await render(FORMS[form] as Values));
  expect(portsOf(manifests)).toEqual({ pod: ports, service: ports, targets: Object.keys(ports).map(() => true) });
});

test('a control port that is opened without a number has that of segmentd', async () => {
  const config = { ...LAKE, admin: { host: '0.0.0.0', token: 'x'.repeat(20) } };
  expect(portsOf(manifestsOf(await render({ config }))).service).toEqual({ http: 9464, admin: 9465 });
  const onSocket = { ...LAKE, admin: { host: '0.0.0.0', socket: '/tmp/admin.sock', token: 'x'.repeat(20) } };
  expect(portsOf(manifestsOf(await render({ config: onSocket }))).service).toEqual({ http: 9464 });
});

test('a NetworkPolicy lets in those that it names, each to their port, and no one else', async () => {
  const policyOf = async (form: string) =>
    (ofKind(manifestsOf(await render(FORMS[form] as Values)), 'NetworkPolicy') as { spec?: unknown } | undefined)?.spec;
  expect(await policyOf('plain')).toBeUndefined();
  expect(await policyOf('with an HPA, and without what can be off')).toMatchObject({
    policyTypes: ['Ingress'],
    ingress: null,
  });
  const { networkPolicy } = FORMS['with all there is'] as { networkPolicy: { http: unknown; admin: unknown } };
  expect(await policyOf('with all there is')).toMatchObject({
    podSelector: { matchLabels: { 'app.kubernetes.io/instance': 'lake' } },
    ingress: [
      { from: networkPolicy.http, ports: [{ protocol: 'TCP', port: 'http' }] },
      { from: networkPolicy.admin, ports: [{ protocol: 'TCP', port: 'admin' }] },
    ],
  });
});

test('a release does not run two daemons without a group, not even while it is replaced', async () => {
  const strategyOf = async (form: string) => {
    const found = ofKind(manifestsOf(await render(FORMS[form] as Values)), 'Deployment');
    return (found as unknown as { spec: { strategy: { type: string } } }).spec.strategy.type;
  };
  expect([await strategyOf('without Kafka'), await strategyOf('plain')]).toEqual(['Recreate', 'RollingUpdate']);
});

const WITHOUT_KAFKA = { ...LAKE, kafka: null };

test.each<[string, Values]>([
  ['config.databases names no database', {}],
  ['no consumer group', { config: WITHOUT_KAFKA }],
  ['no consumer group', { config: WITHOUT_KAFKA, replicas: 1, autoscaling: { kind: 'keda' } }],
  ['no consumer group', { config: WITHOUT_KAFKA, replicas: 1, autoscaling: { kind: 'hpa' } }],
  ['config.http.host is 0.0.0.0', { config: { ...LAKE, http: { host: '127.0.0.1' } } }],
  ['config.http.port is a port of the pod', { config: { ...LAKE, http: { port: 0 } } }],
  ['config.admin.port is a port of the pod', { config: { ...LAKE, admin: { port: 0 } } }],
  ['config.state.scratch_dir is /var', { config: { ...LAKE, state: { scratch_dir: '/data/scratch' } } }],
  ['set config.http.port', { config: LAKE, env: [{ name: 'SEGMENTD_HTTP_PORT', value: '8080' }] }],
  ['set config.kafka.brokers', { config: LAKE, env: [{ name: 'SEGMENTD_KAFKA_BROKERS', value: 'a:9092' }] }],
  ['set config.admin.host', { config: LAKE, networkPolicy: { admin: [{ podSelector: {} }] } }],
  ["additional properties 'replica' not allowed", { config: LAKE, replica: 3 }],
  ["additional properties 'lagTreshold' not allowed", { config: LAKE, autoscaling: { lagTreshold: 3 } }],
  ["additional properties 'topics' not allowed", { config: { ...LAKE, kafka: { topics: 'appends' } } }],
  ["value must be one of 'off', 'keda', 'hpa'", { config: LAKE, autoscaling: { kind: 'more' } }],
])('helm refuses, with a sentence: %s (%j)', async (sentence, values) => {
  await expect(render(values)).rejects.toThrow(sentence);
});

type Deployment = {
  spec: {
    template: {
      spec: {
        terminationGracePeriodSeconds: number;
        containers: {
          ports: { name: string; containerPort: number }[];
          securityContext: { readOnlyRootFilesystem: boolean };
          volumeMounts: { mountPath: string; readOnly?: boolean }[];
        }[];
      };
    };
  };
};

const CUSTOM: Readonly<Record<string, string>> = {
  ScaledObject: '@kubernetes-models/keda/keda.sh/v1alpha1/ScaledObject',
  ServiceMonitor: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor',
  PrometheusRule: '@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/PrometheusRule',
};

/**
 * Custom resources in two ways, since neither sees everything: as literals against the types, which refuse members that are not known, and
 * by the validators, which look at values. Rejects with what they say.
 */
async function checkCustom(manifests: readonly Manifest[]): Promise<void> {
  const lines = manifests
    .filter(({ kind }) => kind in CUSTOM)
    .flatMap(({ kind, apiVersion, ...rest }, i) => [
      // The constructors put it in themselves.
      `if (new Kind${i}().apiVersion !== '${apiVersion}') throw new Error('apiVersion of ${kind}');`,
      `import { ${kind} as Kind${i} } from '${CUSTOM[kind]}';`,
      `new Kind${i}(${JSON.stringify(rest)}).validate();`,
    ]);
  if (lines.length === 0) return;
  const folder = await tempDir();
  await symlink(join(await customResourceModels(), 'node_modules'), join(folder, 'node_modules'));
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"type": "module"}');
  await writeFile(join(folder, 'check.ts'), lines.join('\n'));
  const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--target', 'es2024'];
  const tsc = join(REPO, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, ...options, 'check.ts'], { cwd: folder }).catch(({ stdout }) => {
    throw new Error(stdout);
  });
  await run(process.execPath, ['check.ts'], { cwd: folder });
}

test('each check sees a mistake', async () => {
  const text = await render(FORMS['with all there is'] as Values);
  const kubeconform = await findKubeconform();
  const checking = run(
    kubeconform,
    ['-strict', '-skip', 'ServiceMonitor,PrometheusRule,ScaledObject'].concat([
      '-schema-location',
      await kubernetesSchemas(KUBERNETES[1] as string),
    ]),
  );
  checking.child.stdin?.end(text.replace('readOnlyRootFilesystem', 'readOnlyRootFileSystem'));
  await expect(checking).rejects.toMatchObject({ stdout: expect.stringContaining('readOnlyRootFileSystem') });

  const unknown = manifestsOf(text.replace('cooldownPeriod:', 'coolDownPeriod:'));
  await expect(checkCustom(unknown)).rejects.toThrow('coolDownPeriod');
  const wrong = manifestsOf(text.replace('interval: 15s', 'interval: often'));
  await expect(checkCustom(wrong)).rejects.toThrow('interval');
});
