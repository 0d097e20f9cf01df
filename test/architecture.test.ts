/** The rules of the source tree: who may import whom, what a file may hold, how it is called. */
import { readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { expect, test } from 'vitest';

const SRC = fileURLToPath(new URL('../src', import.meta.url));

/** What each part imports of the others. A part is a folder of src, or a file that lies in src itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  // The line: each part knows those before it.
  lib: [],
  model: [],
  store: ['lib'],
  lance: ['lib', 'store'],
  stages: ['lib', 'model', 'lance', 'telemetry'],
  maintenance: ['lib', 'model', 'lance', 'stages'],
  pipeline: ['model', 'stages', 'maintenance'],
  'table-owners': ['kafka'],
  'daemon-kit': ['lib', 'config', 'kafka', 'lance', 'stages', 'maintenance', 'store', 'table-owners'],
  'daemon-hooks': ['config', 'kafka', 'table-owners', 'telemetry'],
  'daemon-control': [
    ...['lib', 'model', 'config', 'kafka', 'lance', 'stages', 'maintenance', 'telemetry', 'table-owners', 'daemon-kit'],
  ],
  daemon: [
    ...['lib', 'config', 'kafka', 'kafka-settings', 'lance', 'pipeline', 'stages', 'telemetry'],
    ...['table-owners', 'daemon-kit', 'daemon-hooks', 'daemon-control'],
  ],
  commands: [
    'lib',
    'config',
    'daemon',
    'kafka',
    'kafka-settings',
    'lance',
    'maintenance',
    'model',
    'stages',
    'store',
    'telemetry',
  ],
  main: ['lib', 'commands'],
  // Beside it.
  config: ['lib'],
  kafka: ['lib', 'model'],
  'kafka-settings': ['config', 'kafka'],
  writer: ['lib', 'config', 'kafka'],
  telemetry: ['lib', 'model', 'config', 'lance'],
};

/** Packages that only these may import; a name that ends in / is a folder. */
const CONFINED: Readonly<Record<string, readonly string[]>> = {
  rxjs: ['pipeline.ts', 'stages/', 'maintenance/', 'kafka/source.ts', 'daemon.ts'],
  kafkajs: ['kafka/'],
  'prom-client': ['telemetry/metrics.ts'],
  '@lancedb/lancedb': ['lance/'],
};

const MAX_FILE_LINES = 400;
const MAX_FUNCTION_LINES = 60;

type Import = { readonly specifier: string; readonly typeOnly: boolean; readonly names: readonly string[] };
type Source = { readonly path: string; readonly syntax: ts.SourceFile; readonly imports: readonly Import[] };

const sources: readonly Source[] = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts'))
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
  const add = (specifier: ts.Node | undefined, typeOnly: boolean, names: readonly string[] = []) => {
    if (specifier && ts.isStringLiteralLike(specifier)) imports.push({ specifier: specifier.text, typeOnly, names });
  };
  walk(syntax, (node) => {
    if (ts.isImportDeclaration(node)) {
      const named = node.importClause?.namedBindings;
      const names = named && ts.isNamedImports(named) ? named.elements.map(({ name }) => name.text) : [];
      add(node.moduleSpecifier, node.importClause?.phaseModifier === ts.SyntaxKind.TypeKeyword, names);
    } else if (ts.isExportDeclaration(node)) add(node.moduleSpecifier, node.isTypeOnly);
    else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword)
      add(node.arguments[0], false);
    else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) add(node.argument.literal, true);
  });
  return imports;
}

const isOwn = ({ specifier }: Import) => specifier.startsWith('.');
const targetOf = ({ path }: Source, { specifier }: Import) => relative(SRC, resolve(SRC, dirname(path), specifier));
const partOf = (path: string) => path.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const packageOf = ({ specifier }: Import) => /^(@[^/]+\/)?[^/]+/.exec(specifier)?.[0] ?? '';

/** Edges between parts, `from to`. */
function edges(): string[] {
  const pairs = sources.flatMap((source) =>
    source.imports.filter(isOwn).map((it) => [partOf(source.path), partOf(targetOf(source, it))] as const),
  );
  return [...new Set(pairs.filter(([from, to]) => from !== to).map((pair) => pair.join(' ')))].sort();
}

test('there is something to check', () => {
  expect(sources.length).toBeGreaterThan(50);
  expect(sources.flatMap(({ imports }) => imports.filter(isOwn)).length).toBeGreaterThan(100);
});

test('imports between the parts are those of the table, no more and no fewer', () => {
  const allowed = Object.entries(ALLOWED).flatMap(([from, targets]) => targets.map((to) => `${from} ${to}`));
  expect(edges()).toEqual(allowed.sort());
});

test('the parts are in one line: the table has no cycle', () => {
  expect(cyclesOf(new Map(Object.entries(ALLOWED)))).toEqual([]);
});

test('telemetry knows of lance only the reasons that are labels', () => {
  const telemetry = sources.filter(({ path }) => partOf(path) === 'telemetry');
  const targets = telemetry.flatMap((source) => source.imports.filter(isOwn).map((it) => targetOf(source, it)));
  const lance = targets.filter((target) => partOf(target) === 'lance');
  expect(new Set(lance)).toEqual(new Set(['lance/reject-causes.ts']));
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
  const daemon = sources.find(({ path }) => path === 'daemon.ts');
  const rxjs = daemon?.imports.filter((it) => packageOf(it) === 'rxjs').map(({ typeOnly }) => typeOnly);
  expect(rxjs).toEqual([true]);
});

test('there are no barrels', () => {
  expect(sources.filter(({ path }) => basename(path) === 'index.ts')).toEqual([]);
});

test('basenames are kebab-case', () => {
  expect(sources.filter(({ path }) => !/^[a-z0-9]+(-[a-z0-9]+)*\.ts$/.test(basename(path)))).toEqual([]);
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
