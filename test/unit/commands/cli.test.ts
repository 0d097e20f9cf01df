import { readFileSync } from 'node:fs';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { program } from '../../../src/commands/cli.ts';
import { VERSION } from '../../../src/lib/version.ts';
import { loadedPackages, segmentd } from '../../../testing/cli.ts';
import { tempDir } from '../../../testing/temp-dir.ts';
import { tableFolder } from '../lance/table-fixture.ts';

const names = program().commands.map((command) => command.name());

test.each(names)('%s explains itself on standard output', async (name) => {
  const usage = expect.stringContaining(`Usage: segmentd ${name}`);
  expect(await segmentd([name, '--help'])).toEqual({ code: 0, stdout: usage, stderr: '' });
});

describe('what a command loads', () => {
  test.each([[['--help']], [['index', '--help']], [['--version']], [['status']]])(
    '%j: the parser of the command line alone',
    async (args) => {
      expect(await loadedPackages(args)).toEqual(['commander']);
    },
  );

  test('the status of a table: neither LanceDB nor what reads a configuration', async () => {
    const { root } = await tableFolder({ fragments: [{ id: 0, rows: 10 }], indexes: [{ uuid: 1, fragments: [0] }] });
    expect(await loadedPackages(['status', root])).toEqual(['@bufbuild/protobuf', 'commander', 'roaring-wasm']);
  });
});

test('the version is that of the package', async () => {
  expect(await segmentd(['--version'])).toEqual({ code: 0, stdout: `${VERSION}\n`, stderr: '' });
});

test.each([
  [[], 'Usage: segmentd'],
  [['frobnicate'], 'unknown command'],
  [['status'], 'give either'],
  [['status', 's3a://bucket/t.lance'], 's3a:// is not supported: write s3://'],
  [['index', 's3://bucket/lake'], 's3://bucket/lake is no table'],
  [['status', '/t.lance', '--watch', '0'], 'expected seconds'],
  [['verify', '/t.lance', '--samples', 'all'], 'expected a number'],
  [['index', '/t.lance', '--name', 'x'], 'exactly one --column'],
  [['wait', '/t.lance'], '--version'],
  [['announce', 'db/t', '--producer', 'x'.repeat(257)], '256'],
  [['config', 'check', '--frobnicate'], '--help shows what is accepted'],
])('segmentd %j is a usage error, printed on standard error', async (args, says) => {
  expect(await segmentd(args)).toEqual({ code: 64, stdout: '', stderr: expect.stringContaining(says) });
});

test.each([
  [['status', '/nowhere/t.lance', '--json'], 69, 'store_unavailable'],
  [['wait', '/nowhere/t.lance', '--json'], 64, 'usage'],
  [['verify', '/nowhere/t.lance', '--samples', 'all', '--json'], 64, 'usage'],
  [['index', '/nowhere/t.lance', '--name', 'x', '--json'], 64, 'usage'],
  [['announce', 'db/t', '--json', '--frobnicate=secret'], 64, 'usage'],
])(
  'segmentd %j gives its error as JSON on standard output, and for people on standard error',
  async (args, exit, code) => {
    const { code: ended, stdout, stderr } = await segmentd(args);
    expect([ended, stdout.split('\n').length]).toEqual([exit, 2]);
    const { error } = JSON.parse(stdout);
    expect(error).toEqual({ code, message: expect.any(String), hint: expect.any(String) });
    expect(stderr).toContain(error.message);
    expect(stdout + stderr).not.toContain('secret');
  },
);

describe('config', () => {
  test('check says ok, or lists every problem', async () => {
    const file = join(await tempDir(), 'segmentd.yaml');
    await writeFile(file, 'databases: {db: .}\n');
    expect(await segmentd(['config', 'check', '-c', file])).toEqual({
      code: 0,
      stdout: 'ok (no broker: polls every 10 s)\n',
      stderr: '',
    });
    await writeFile(file, 'databases: {db: /data/db}\nkafka: {brokerz: [a:1]}\nhttp: {port: many}\n');
    const refused = await segmentd(['config', 'check', '-c', file]);
    expect([refused.code, refused.stdout]).toEqual([78, '']);
    for (const says of ['segmentd: config_invalid: ', 'brokerz', 'http.port']) expect(refused.stderr).toContain(says);
  });

  test('check says ok beside warnings, and run refuses what check refuses, with the same words', async () => {
    const home = await tempDir();
    const file = join(home, 'segmentd.yaml');
    const missing = 'databases:\n  db: ./db\n  in: ./in\ntables:\n  in/t: {}\n  db/t: {}\n';
    await mkdir(join(home, 'in'));
    await writeFile(file, missing);
    expect(await segmentd(['config', 'check', '-c', file])).toEqual({
      code: 0,
      stdout: 'ok (no broker: polls every 10 s)\n',
      stderr:
        `warning: ${file}:2:7: databases.db: database_not_found: there is no folder ${home}/db; segmentd waits for it\n` +
        `warning: ${file}:5:9: tables.in/t: table_not_found: there is no table ${home}/in/t.lance; segmentd waits for it\n`,
    });
    await writeFile(file, `${missing}admin: {token_file: ./token}\nkafka: {ssl: {enabled: true, ca_file: ./ca.pem}}\n`);
    const checked = await segmentd(['config', 'check', '-c', file]);
    expect([checked.code, checked.stdout]).toEqual([78, '']);
    const refusal = checked.stderr.slice(checked.stderr.indexOf('segmentd: config_invalid'));
    expect(refusal).toContain('the configuration has 2 problems\n');
    expect(refusal).toContain(`${file}:8:39: kafka.ssl.ca_file: cannot read ${home}/ca.pem: ENOENT`);
    expect(refusal).toContain(`${file}:7:21: admin.token_file: cannot read ${home}/token: ENOENT`);
    expect(await segmentd(['run', '-c', file])).toEqual({ code: 78, stdout: '', stderr: refusal });
  });

  test('print shows what is in force, the environment included, and no secret', async () => {
    const file = join(await tempDir(), 'segmentd.yaml');
    await writeFile(file, 'databases: {db: /data/db}\n');
    const env = { SEGMENTD_KAFKA_GROUP_ID: 'mine', SEGMENTD_ADMIN_TOKEN: 'letmein-0123456789' };
    const { code, stdout } = await segmentd(['config', 'print', '-c', file], env);
    expect([code, stdout]).toEqual([0, expect.stringContaining('group_id: mine')]);
    expect(stdout).not.toContain(env.SEGMENTD_ADMIN_TOKEN);
  });

  test('defaults are the file that is shipped', async () => {
    const defaults = readFileSync(new URL('../../../config/defaults.yaml', import.meta.url), 'utf8');
    expect((await segmentd(['config', 'defaults'])).stdout).toBe(`${defaults.trimEnd()}\n`);
  });
});

describe('a path', () => {
  test('moves no cursor, whichever command prints it', async () => {
    const { root } = await tableFolder({ fragments: [{ id: 0, rows: 10 }], indexes: [{ uuid: 1, fragments: [0] }] });
    const folder = join(await tempDir(), 'evil\x1b[2J\x07');
    const [table, none] = [join(folder, 't.lance'), join(folder, 'none')];
    await mkdir(folder);
    await rename(root, table);
    await mkdir(none);
    const file = join(folder, 'x.yaml');
    await writeFile(file, `databases: {lake: ${JSON.stringify(folder)}}\n`);
    const calls = [
      ...[
        ['status', table],
        ['status', table, '--segments'],
        ['status', folder],
        ['status', none],
        ['status', '-c', file],
      ],
      ...[
        ['verify', table, '--samples', '0'],
        ['merge', table, '--dry-run'],
        ['merge', table],
        ['index', table],
      ],
      ...[
        ['optimize', table, '--dry-run'],
        ['wait', table, '--version', '1', '--timeout', '1ms'],
        ['doctor', '-c', file],
      ],
      ...[
        ['status', join(none, 'x')],
        ['index', join(none, 'x.lance')],
        ['config', 'check', '-c', file],
      ],
    ];
    for (const args of calls) {
      const { stdout, stderr } = await segmentd(args);
      expect([args, stdout + stderr]).toEqual([args, expect.not.stringMatching(/[^\P{Cc}\n]/u)]);
    }
    expect((await segmentd(['status', table])).stdout).toContain('evil\\u001b[2J\\u0007/t.lance  version 1');
  });

  test('that leads nowhere is told with where it led', async () => {
    const file = join(await tempDir(), 'x.yaml');
    await writeFile(file, 'databases: {demo: ./data}\n');
    for (const command of ['index', 'status', 'verify', 'merge']) {
      const { stderr } = await segmentd([command, 'demo/events.lance', '-c', file]);
      expect(stderr).toContain(
        `demo/events.lance is the path ${process.cwd()}/demo/events.lance, since it ends in .lance`,
      );
      expect(stderr).toContain('the table of the database demo is written demo/events');
    }
    const nameless = await segmentd(['index', 'lake/events']);
    expect([nameless.code, nameless.stderr]).toEqual([64, expect.stringContaining('need a configuration: give -c')]);
    expect((await segmentd(['status', '/nowhere/t.lance'])).stderr).not.toContain('is the path');
  });
});

test('help writes values as they are typed: a default that is shown is taken, and a unit stands at its number', () => {
  for (const command of program().commands.flatMap((each) => [each, ...each.commands])) {
    for (const { long, description, parseArg, defaultValue, defaultValueDescription: shown } of command.options) {
      const what = `${command.name()} ${long}`;
      expect(`${description} ${shown ?? ''}`, what).not.toMatch(/\d (?:ms|s|m|h|d|[KMG]iB)\b/);
      if (parseArg && shown !== undefined) expect(parseArg(shown, undefined), what).toEqual(defaultValue);
    }
  }
});
