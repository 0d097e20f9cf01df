import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import { loadConfig } from '../../../src/config/load.ts';
import { DAEMON_FLAGS } from '../../../testing/shipped-program.ts';

const root = resolve(import.meta.dirname, '../../..');
const read = (path: string) => readFileSync(resolve(root, path), 'utf8');

type Service = {
  profiles?: string[];
  entrypoint?: string[];
  image?: string;
  build?: string;
  environment?: Record<string, string | number>;
  volumes?: string[];
  ports?: string[];
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
};
const document = parseDocument(read('docker-compose.yml'));
const compose = document.toJS() as { services: Record<string, Service>; volumes: Record<string, unknown> };
const services = Object.entries(compose.services);
const dockerfile = read('Dockerfile').replaceAll(/\\\n/g, '');
const instructions = dockerfile.split('\n').filter((line) => /^[A-Z]+ /.test(line));
const last = (name: string) => instructions.findLast((line) => line.startsWith(`${name} `))?.slice(name.length + 1);

/** `${NAME:-default}` as compose resolves it when the variable is not set. */
const resolved = (text: string) => text.replaceAll(/\$\{\w+:-([^}]*)\}/g, '$1');
/** `NAME=value` lines. */
const variables = (path: string) =>
  Object.fromEntries([...read(path).matchAll(/^(\w+)=(.*)$/gm)].map(([, name = '', value = '']) => [name, value]));
const manifest = JSON.parse(read('package.json')) as { version: string; devDependencies: { node: string } };

/** What segmentd is configured with when these variables are set for compose. */
function configured(set: Record<string, string>) {
  const { environment = {} } = compose.services.segmentd ?? {};
  const env = Object.fromEntries(
    Object.entries(environment).map(([key, value]) => [key, set[key] ?? resolved(String(value))]),
  );
  expect(Object.keys(env).every((key) => /^(SEGMENTD|AWS)_/.test(key))).toBe(true);
  const scratch = /\bSEGMENTD_STATE_SCRATCH_DIR=(\S+)/.exec(dockerfile)?.[1] ?? '';
  const image = { SEGMENTD_STATE_SCRATCH_DIR: scratch };
  return loadConfig({ file: resolve(root, 'config/segmentd.yaml'), env: { ...image, ...env }, cwd: '/app' });
}

describe('docker-compose.yml', () => {
  test('is YAML without duplicates', () => {
    expect([...document.errors, ...document.warnings]).toEqual([]);
  });

  test('configures segmentd with options that exist', () => {
    const config = configured({});
    expect(config.databases).toEqual({ demo: { uri: '/data', storage_options: {} } });
    expect(config.kafka?.brokers).toEqual(['kafka:19092']);
    expect(config.kafka?.create_topics.enabled).toBe(true);
    expect(config.http).toMatchObject({ host: '0.0.0.0', port: 9464 });
    expect(config.state.scratch_dir).toBe('/var/lib/segmentd/scratch');
  });

  test('with config/s3.env, serves tables from the S3 server that then runs too', () => {
    const s3 = variables('config/s3.env');
    const { lake } = configured(s3).databases;
    const server = compose.services.s3;
    const { environment = {} } = compose.services.segmentd ?? {};
    expect(lake).toMatchObject({ uri: 's3://lake/db', storage_options: { endpoint: 'http://s3:7070' } });
    expect(server?.profiles).toEqual([s3.COMPOSE_PROFILES]);
    expect(server?.ports).toEqual(['127.0.0.1:7070:7070']);
    expect(server?.entrypoint?.join(' ')).toContain('mkdir -p /buckets/lake ');
    expect(environment.AWS_ACCESS_KEY_ID).toBe(server?.environment?.ROOT_ACCESS_KEY_ID);
    expect(environment.AWS_SECRET_ACCESS_KEY).toBe(server?.environment?.ROOT_SECRET_ACCESS_KEY);
  });

  test.each(services)('%s: pinned image, health check, ports for this machine only', (name, service) => {
    if (service.build === undefined) {
      expect(service.image).toMatch(/:v?\d+\.\d+\.\d+$/);
      expect(service.healthcheck?.test[0]).toMatch(/^CMD/);
    } else expect(last('HEALTHCHECK'), name).toContain('/healthz');
    for (const port of service.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:(\d+):\1$/);
    for (const other of Object.keys(service.depends_on ?? {})) expect(compose.services).toHaveProperty(other);
  });

  test('mounts what exists', () => {
    const sources = services.flatMap(([, { volumes = [] }]) =>
      volumes.map((volume) => resolved(volume).split(':')[0] ?? ''),
    );
    const named = sources.filter((source) => !source.startsWith('.'));
    expect(new Set(named)).toEqual(new Set(Object.keys(compose.volumes)));
    for (const source of sources.filter((each) => each.startsWith('.')))
      expect(existsSync(resolve(root, source)), source).toBe(true);
  });

  test('configures each service with the addresses of the others', () => {
    expect(read('config/prometheus/prometheus.yml')).toContain('segmentd:9464');
    expect(read('config/prometheus/prometheus.yml')).toContain('alertmanager:9093');
    expect(compose.services.alertmanager?.volumes).toContain('./config/alertmanager:/etc/alertmanager:ro');
    expect(existsSync(resolve(root, 'config/alertmanager/alertmanager.yml'))).toBe(true);
    expect(read('config/grafana/provisioning/datasources/prometheus.yaml')).toContain('http://prometheus:9090');
    const mounts = (compose.services.grafana?.volumes ?? []).map((volume) => volume.split(':')[1]);
    expect(mounts).toContain('/etc/grafana/dashboards');
    expect(read('config/grafana/provisioning/dashboards/segmentd.yaml')).toContain('path: /etc/grafana/dashboards');
    expect(compose.services.kafka?.environment?.KAFKA_ADVERTISED_LISTENERS).toContain('PLAINTEXT://kafka:19092');
  });
});

describe('Dockerfile', () => {
  const bases = instructions
    .filter((line) => line.startsWith('FROM '))
    .map((line) => line.replace(/^FROM (--\S+ )?/, ''));

  test('takes the Node that the tests run on, and has every base pinned', () => {
    expect(bases).toHaveLength(3);
    for (const base of bases) expect(base).toMatch(/^\S+:\S+@sha256:[0-9a-f]{64}( AS \w+)?$/);
    for (const base of bases.slice(0, -1))
      expect(base).toContain(`node:${manifest.devDependencies.node}-bookworm-slim@`);
  });

  test('says what it is, and builds for each platform that the lock file has LanceDB for', () => {
    const label = (name: string) =>
      new RegExp(`org\\.opencontainers\\.image\\.${name}="([^"]+)"`).exec(dockerfile)?.[1];
    const { description, license } = manifest as { description?: string; license?: string };
    expect([label('title'), label('description'), label('licenses')]).toEqual(['segmentd', description, license]);
    expect(dockerfile).toContain(`ARG VERSION=${manifest.version}\n`);
    const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, unknown> };
    for (const platform of ['x64', 'arm64'])
      expect(lock.packages).toHaveProperty([`node_modules/@lancedb/lancedb-linux-${platform}-gnu`]);
    // What is compiled is compiled once, on the platform of the builder.
    expect(instructions[0]).toMatch(/^FROM --platform=\$BUILDPLATFORM /);
  });

  test('runs as a numeric user, as the daemon itself, with the packages that the lock file names', () => {
    expect(last('USER')).toMatch(/^[1-9]\d*:[1-9]\d*$/);
    expect(JSON.parse(last('ENTRYPOINT') ?? '')).toEqual([
      'node',
      '--enable-source-maps',
      ...DAEMON_FLAGS,
      'dist/main.js',
    ]);
    expect(JSON.parse(last('CMD') ?? '')).toEqual(['run', '-c', '/etc/segmentd/segmentd.yaml']);
    expect(dockerfile).toContain('npm ci --omit=dev --ignore-scripts');
  });

  test('copies what exists and what .dockerignore lets in', () => {
    const copied = instructions
      .filter((line) => line.startsWith('COPY ') && !line.includes('--from='))
      .flatMap((line) => line.split(/\s+/).slice(1, -1));
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    expect(new Set(copied)).toEqual(new Set(allowed));
    for (const path of copied) expect(existsSync(resolve(root, path)), path).toBe(true);
  });
});
