/** Holds schemas/openapi.json to the rules of OpenAPI, and to what the listeners answer. */
import { Validator } from '@seriousme/openapi-schema-validator';
import { expect, onTestFinished, test } from 'vitest';
import { openApi } from '../../../scripts/describe-openapi.ts';
import { COMMANDS } from '../../../src/control/commands.ts';
import { startServer } from '../../../src/http/probes.ts';
import { statusRoutes } from '../../../src/http/status-routes.ts';
import { startTablesApi } from '../../../src/http/tables-api.ts';

type Operation = { readonly operationId: string; readonly security?: readonly unknown[]; readonly responses: object };
type Document = {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>> & { readonly servers?: unknown[] }>>;
  readonly components: { readonly schemas: Readonly<Record<string, object>> };
};

const text = openApi();
const document = JSON.parse(text) as Document;
const operations = Object.entries(document.paths).flatMap(([path, { servers, ...methods }]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, isOpen: servers !== undefined, operation })),
);

test('it is a valid document of OpenAPI 3.1, and breaks when it is made wrong', async () => {
  const validate = async (it: Record<string, unknown>) => (await new Validator().validate(it)).valid;
  expect(await validate(JSON.parse(text))).toBe(true);
  expect(await validate({ ...JSON.parse(text), info: {} })).toBe(false);
});

test('every reference leads somewhere, and every schema is used', () => {
  const names = [...text.matchAll(/"\$ref": "#\/components\/schemas\/(\w+)"/g)].map(([, name]) => name);
  expect(new Set(names)).toEqual(new Set(Object.keys(document.components.schemas)));
});

test('operations have ids of their own, and every command of operators is one', () => {
  const ids = operations.map(({ operation }) => operation.operationId);
  expect(new Set(ids).size).toBe(ids.length);
  const posts = operations.filter(({ method }) => method === 'post').map(({ path }) => path.split('/').at(-1));
  expect(posts).toEqual(COMMANDS.filter((command) => command !== 'status'));
});

test.each(operations)('$method $path is what a listener answers, with a token where it says so', async (it) => {
  const status = statusRoutes({ status: () => ({ at: '' }), detail: (table) => ({ table }) });
  const place = { host: '127.0.0.1', port: 0, status };
  const probes = await startServer({
    ...place,
    metrics: { contentType: 'text/plain', render: async () => '' },
    health: { live: () => true, ready: () => true },
  });
  const tables = await startTablesApi({
    ...place,
    token: 'secret',
    commands: COMMANDS,
    run: async () => ({}),
    wait: async () => ({}),
    all: () => ({}),
  });
  onTestFinished(async () => void (await Promise.all([probes.close(), tables.close()])));
  const { port } = it.isOpen ? probes : tables;
  const path = it.path.replace('{database}', 'db').replace('{table}', 't').replace(/wait$/, 'wait?version=1');
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`http://127.0.0.1:${port}${path}`, { method: it.method.toUpperCase(), headers });
    await answer.body?.cancel();
    return answer.status;
  };
  const isTokenAsked = it.operation.security?.length !== 0;
  expect(isTokenAsked).toBe(!it.isOpen);
  expect(await ask({ authorization: 'Bearer secret' })).toBe(200);
  if (isTokenAsked) expect(await ask({})).toBe(401);
  expect(Object.keys(it.operation.responses).includes('401')).toBe(isTokenAsked);
});
