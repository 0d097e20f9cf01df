/** The rules of the source tree: who may import whom, what a file may hold, how it is called. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/**
 * The rooms in one line, each knowing only those before it. A room is a folder of src, or a file that lies in src itself; folders within
 * a room are rooms of their own.
 */
const LINE = [
  // In the browser, where none of the others is.
  'page',
  ...['lib', 'model', 'config', 'store'],
  ...[
    'lance/codec',
    'lance',
    'lance/plan/kinds',
    'lance/plan',
    'lance/table',
    'lance/engine',
    'lance/commit',
    'lance/inspect',
  ],
  ...['kafka', 'kafka/consumer', 'events', 'telemetry', 'tracing'],
  ...['control', 'stages', 'merge/policy', 'merge', 'maintain', 'pipeline', 'http', 'daemon'],
  ...['commands/terminal', 'commands/tables', 'commands/daemons', 'commands', 'main'],
  // Beside it: what the package exports.
  'writer',
];

/** Rooms before it that a room does not know all the same. */
const FORBIDDEN: Readonly<Record<string, readonly string[]>> = {
  'lance/codec': ['model', 'config', 'store'],
  lance: ['model', 'config', 'store'],
  'lance/plan': ['model', 'config', 'store'],
  'lance/table': ['model', 'config'],
  'lance/engine': ['model', 'config'],
  'lance/commit': ['model', 'config'],
  'lance/inspect': ['model', 'config'],
  kafka: ['config', 'store', 'lance'],
  events: ['config', 'store', 'lance'],
  tracing: ['config', 'store', 'lance', 'kafka', 'events', 'telemetry'],
  stages: ['config', 'store', 'kafka'],
  merge: ['config', 'store', 'kafka'],
  maintain: ['config', 'store', 'kafka'],
  pipeline: ['config', 'store', 'kafka', 'control', 'telemetry', 'tracing', 'lance'],
  http: ['model', 'config', 'store', 'lance', 'kafka', 'telemetry', 'control', 'stages'],
  'commands/terminal': ['model', 'store', 'lance', 'kafka', 'events', 'telemetry', 'tracing', 'control', 'stages'],
  'commands/tables': ['kafka', 'telemetry', 'tracing', 'http', 'pipeline'],
  'commands/daemons': ['telemetry', 'tracing', 'http', 'pipeline'],
  commands: ['telemetry', 'tracing', 'http', 'pipeline'],
  main: ['config', 'store', 'lance', 'kafka', 'daemon'],
  writer: ['store', 'lance', 'tracing', 'stages', 'daemon', 'commands'],
};

/** Packages that only these may import; a name that ends in / is a folder. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  rxjs: [
    ...['pipeline.ts', 'stages/', 'merge/scheduler.ts', 'maintain/maintain-tables.ts', 'control/sweep.ts'],
    ...['kafka/consumer/source.ts', 'kafka/consumer/no-source.ts', 'daemon/daemon.ts'],
  ],
  kafkajs: ['kafka/'],
  'prom-client': ['telemetry/metrics.ts'],
  '@lancedb/lancedb': ['lance/engine/'],
  '@opentelemetry/api': ['tracing/'],
  '@opentelemetry/core': ['tracing/'],
  '@opentelemetry/exporter-trace-otlp-proto': ['tracing/'],
  '@opentelemetry/resources': ['tracing/'],
  '@opentelemetry/sdk-trace': ['tracing/'],
  '@aws-sdk/client-s3': ['store/s3-store.ts'],
  '@aws-sdk/lib-storage': ['store/s3-store.ts'],
  '@azure/storage-blob': ['store/azure-store.ts'],
  '@azure/identity': ['store/azure-store.ts'],
  '@google-cloud/storage': ['store/gcs-store.ts'],
  'google-auth-library': ['store/gcs-store.ts'],
};

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

type Import = {
  readonly specifier: string;
  readonly typeOnly: boolean;
  readonly names: readonly string[];
  /** import() as a call. */
  readonly onDemand: boolean;
};
type Source = { readonly path: string; readonly syntax: ts.SourceFile; readonly imports: readonly Import[] };

const MODULE = /\.(ts|js)$/;

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => MODULE.test(path))
  .sort()
  .map((path) => {
    const syntax = ts.createSourceFile(path, readFileSync(join(SRC, path), 'utf8'), ts.ScriptTarget.Latest, true);
    return { path, syntax, imports: importsOf(syntax) };
  });

function walk(node: ts.Node, visit: (node: ts.Node) => void): void {
  visit(node);
  ts.forEachChild(node, (child) => walk(child, visit));
}

/** Every way to name another module: import, export from, import() as a call and as a type. */
function importsOf(syntax: ts.SourceFile): Import[] {
  const imports: Import[] = [];
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, names: readonly string[] = [], onDemand = false) => {
    if (specifier && ts.isStringLiteralLike(specifier))
      imports.push({ specifier: specifier.text, typeOnly, names, onDemand });
  };
  walk(syntax, (node) => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings;
      const names = named && ts.isNamedImports(named) ? named.elements.map(({ name }) => name.text) : [];
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword, names);
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false, [], true);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
  });
  return imports;
}

const isOwn = ({ specifier }: Import) => specifier.startsWith('.');
const targetOf = ({ path }: Source, { specifier }: Import) => relative(SRC, resolve(SRC, dirname(path), specifier));
const roomOf = (path: string) => (path.includes('/') ? dirname(path) : path.replace(/\.ts$/, ''));
const packageOf = ({ specifier }: Import) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';

type Edge = { readonly from: string; readonly to: string; readonly source: Source; readonly it: Import };

/** Imports from one room into another. */
const edges: readonly Edge[] = sources.flatMap((source) =>
  source.imports
    .filter(isOwn)
    .map((it) => ({ from: roomOf(source.path), to: roomOf(targetOf(source, it)), source, it }))
    .filter(({ from, to }) => from !== to),
);
const shown = ({ source, it }: Edge) => `${source.path} imports ${targetOf(source, it)}`;

test('there is something to check', () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(edges.length).toBeGreaterThan(100);
});

test('the line names every room, once', () => {
  expect([...new Set(sources.map(({ path }) => roomOf(path)))].sort()).toEqual([...LINE].sort());
});

test('imports run one way: a room knows only rooms before it in the line', () => {
  expect(edges.filter(({ from, to }) => LINE.indexOf(to) > LINE.indexOf(from)).map(shown)).toEqual([]);
});

test('a room does not import the rooms that it must not know', () => {
  const isBelow = (room: string, forbidden: string) => room === forbidden || room.startsWith(`${forbidden}/`);
  const strays = edges.filter(({ from, to }) => FORBIDDEN[from]?.some((forbidden) => isBelow(to, forbidden)));
  expect(strays.map(shown)).toEqual([]);
});

test('telemetry is written to and never asked: beside the daemon, which opens it, rooms import its type alone', () => {
  const writers = edges.filter(({ from, to }) => to === 'telemetry' && from !== 'daemon');
  const strays = writers.filter(({ source, it }) => {
    const isWriter = it.typeOnly && targetOf(source, it) === 'telemetry/events.ts';
    return !isWriter || it.names.join() !== 'Telemetry';
  });
  expect(writers.length).toBeGreaterThan(0);
  expect(strays.map(shown)).toEqual([]);
});

test('telemetry knows of lance only the reasons that are labels', () => {
  const lance = edges.filter(({ from, to }) => from === 'telemetry' && to.startsWith('lance'));
  expect(new Set(lance.map(({ source, it }) => targetOf(source, it)))).toEqual(
    new Set(['lance/commit/reject-causes.ts']),
  );
});

test('the page is for browsers: the other rooms do not import it, and it imports no package', () => {
  const page = sources.filter(({ path }) => roomOf(path) === 'page');
  expect(page.length).toBeGreaterThan(5);
  expect(edges.filter(({ to }) => to === 'page').map(shown)).toEqual([]);
  expect(page.flatMap(({ imports }) => imports.filter((it) => !isOwn(it)))).toEqual([]);
});

test('a command is described without what it needs to run: that is loaded on demand', () => {
  const light = new Set(['lib', 'commands', 'commands/terminal']);
  const isLight = (source: Source, it: Import) =>
    isOwn(it) ? light.has(roomOf(targetOf(source, it))) : it.specifier === 'commander' || /^node:/.test(it.specifier);
  const described = sources.filter(({ path }) => ['commands', 'commands/terminal'].includes(roomOf(path)));
  expect(described.flatMap(({ imports }) => imports.filter(({ onDemand }) => onDemand)).length).toBeGreaterThan(5);
  const heavy = described.flatMap((source) =>
    source.imports
      .filter((it) => !it.typeOnly && !it.onDemand && !isLight(source, it))
      .map((it) => `${source.path} imports ${it.specifier}`),
  );
  expect(heavy).toEqual([]);
});

test('a store is opened in one place', () => {
  const stores = /^store\/(?!object-store|open-store)[a-z0-9]+-store\.ts$/;
  const importers = sources.flatMap((source) =>
    source.imports.filter((it) => isOwn(it) && stores.test(targetOf(source, it))).map(() => source.path),
  );
  expect([...new Set(importers)]).toEqual(['store/open-store.ts']);
});

test('no file imports itself in a circle, type imports counted', () => {
  const graph = new Map(
    sources.map((source) => [source.path, source.imports.filter(isOwn).map((it) => targetOf(source, it))]),
  );
  expect(cyclesOf(graph)).toEqual([]);
});

function cyclesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const visit = (node: string, trail: readonly string[]) => {
    const at = trail.indexOf(node);
    if (at >= 0) cycles.push([...trail.slice(at), node].join(' > '));
    if (at >= 0 || done.has(node)) return;
    for (const next of graph.get(node) ?? []) visit(next, [...trail, node]);
    done.add(node);
  };
  for (const node of graph.keys()) visit(node, []);
  return cycles;
}

test('an own import names a file that is there, with its extension', () => {
  const paths = new Set(sources.map(({ path }) => path));
  const broken = sources.flatMap((source) =>
    source.imports
      .filter((it) => isOwn(it) && !paths.has(targetOf(source, it)))
      .map((it) => [source.path, it.specifier]),
  );
  expect(broken).toEqual([]);
});

test('packages stay where they are at home', () => {
  const strays = sources.flatMap(({ path, imports }) =>
    imports
      .map(packageOf)
      .filter((name) => CONFINED[name]?.every((home) => !(home.endsWith('/') ? path.startsWith(home) : path === home)))
      .map((name) => `${path} imports ${name}`),
  );
  expect(strays).toEqual([]);
});

test('the daemon takes nothing but types from RxJS', () => {
  const daemon = sources.find(({ path }) => path === 'daemon/daemon.ts');
  const rxjs = daemon?.imports.filter((it) => packageOf(it) === 'rxjs').map(({ typeOnly }) => typeOnly);
  expect(rxjs).toEqual([true]);
});

test('OpenTelemetry is loaded on demand: static imports take nothing but its types', () => {
  const imports = sources.flatMap((source) =>
    source.imports.filter((it) => packageOf(it).startsWith('@opentelemetry/')),
  );
  expect(imports.filter(({ onDemand }) => onDemand).length).toBeGreaterThan(0);
  expect(imports.filter(({ typeOnly, onDemand }) => !typeOnly && !onDemand)).toEqual([]);
});

test('tracing is written to and never asked: beside the daemon, which opens it, rooms import its types alone', () => {
  const writers = edges.filter(({ from, to }) => to === 'tracing' && from !== 'daemon');
  expect(writers.length).toBeGreaterThan(0);
  const strays = writers.filter(({ source, it }) => !it.typeOnly || targetOf(source, it) !== 'tracing/batch-trace.ts');
  expect(strays.map(shown)).toEqual([]);
});

test('there are no barrels', () => {
  expect(sources.filter(({ path }) => /^index\./.test(basename(path)))).toEqual([]);
});

test('basenames are kebab-case', () => {
  expect(sources.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.(ts|js)$/.test(basename(path)))).toEqual([]);
});

test('basenames are unique', () => {
  const names = sources.map(({ path }) => basename(path));
  const twice = names.filter((name, at) => names.indexOf(name) !== at);
  expect([...new Set(twice)].sort()).toEqual([]);
});

test(`files have at most ${MAX_FILE_LINES} lines`, () => {
  const long = sources.filter(({ syntax }) => syntax.getLineAndCharacterOfPosition(syntax.end).line > MAX_FILE_LINES);
  expect(long.map(({ path }) => path)).toEqual([]);
});

test(`functions have at most ${MAX_FUNCTION_LINES} lines`, () => {
  const long: string[] = [];
  for (const { path, syntax } of sources) {
    walk(syntax, (node) => {
      if (!ts.isFunctionLike(node) || !('body' in node)) return;
      const [from, to] = [node.getStart(syntax), node.end].map((at) => syntax.getLineAndCharacterOfPosition(at).line);
      const lines = (to ?? 0) - (from ?? 0) + 1;
      if (lines > MAX_FUNCTION_LINES) long.push(`${path}: ${node.name?.getText(syntax) ?? 'a function'}`);
    });
  }
  expect(long).toEqual([]);
});

test('only main.ts ends the process', () => {
  const enders = sources.filter(({ syntax }) => {
    let ends = false;
    walk(syntax, (node) => {
      if (ts.isPropertyAccessExpression(node) && /^process\.(exit|reallyExit|abort)$/.test(node.getText(syntax)))
        ends = true;
    });
    return ends;
  });
  expect(enders.map(({ path }) => path)).toEqual(['main.ts']);
});
