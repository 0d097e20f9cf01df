import { expect, test } from 'vitest';
import type { Way } from '../../../../bench/harness/rounds.ts';
import { figuresOf, interleave, recorded } from '../../../../bench/harness/rounds.ts';

/** Ways that note when it is their turn, each with its own figure. */
function noted(...ms: number[]): { ways: Way[]; turns: string[] } {
  const turns: string[] = [];
  const ways = ms.map((figure, at) => ({
    name: `way ${at}`,
    round: async (round: number) => {
      turns.push(`${at}@${round}`);
      return { ms: figure };
    },
  }));
  return { ways, turns };
}

test('each round visits every way, and each begins with another', async () => {
  const { ways, turns } = noted(1, 2, 3);
  const samples = await interleave({ ways, warmUp: 1, rounds: 3 });
  expect(turns).toEqual([
    ...['0@-1', '1@-1', '2@-1'],
    ...['1@0', '2@0', '0@0'],
    ...['2@1', '0@1', '1@1'],
    ...['0@2', '1@2', '2@2'],
  ]);
  expect(samples.get('way 1')).toEqual([{ ms: 2 }, { ms: 2 }, { ms: 2 }]);
});

test('what warms up is not counted, and a slow way warms up once and takes part in its rounds alone', async () => {
  const { ways, turns } = noted(1, 2);
  const [fast, slow] = ways as [Way, Way];
  const samples = await interleave({ ways: [fast, { ...slow, rounds: 1 }], warmUp: 3, rounds: 4 });
  expect(turns.filter((turn) => turn.startsWith('1'))).toEqual(['1@-1', '1@0']);
  expect(samples.get('way 0')).toHaveLength(4);
  expect(samples.get('way 1')).toHaveLength(1);
});

test('a way that does not take part at all has no figure', async () => {
  const { ways } = noted(1, 2);
  const [fast, slow] = ways as [Way, Way];
  const samples = await interleave({ ways: [fast, { ...slow, rounds: 0 }], warmUp: 0, rounds: 2 });
  expect(figuresOf(samples, { baseline: 'way 0' }).map(({ way }) => way)).toEqual(['way 0']);
});

test('two ways of one name would be taken for one', async () => {
  const { ways } = noted(1);
  await expect(interleave({ ways: [...ways, ...ways], warmUp: 0, rounds: 1 })).rejects.toThrow('one name');
});

test('figures have ratios to the baseline, but for the baseline itself and for facts', async () => {
  const samples = new Map([
    [
      'ours',
      [
        { ms: 1, segments: 3 },
        { ms: 10, segments: 3 },
      ],
    ],
    [
      'theirs',
      [
        { ms: 4, segments: 6 },
        { ms: 20, segments: 6 },
      ],
    ],
  ]);
  const [ours, theirs] = figuresOf(samples, { baseline: 'ours', facts: ['segments'] });
  expect(ours).toMatchObject({ way: 'ours', ratios: {} });
  expect(theirs?.metrics.ms).toMatchObject({ n: 2, median: 4, q3: 20 });
  expect(theirs?.ratios).toEqual({ ms: { n: 2, median: 2, q1: 2, q3: 4, min: 2, max: 4 } });
});

test('a metric that the baseline lacks has no ratio', () => {
  const samples = new Map([
    ['ours', [{ ms: 1 }]],
    ['theirs', [{ ms: 2, requests: 7 }]],
  ]);
  const [, theirs] = figuresOf(samples, { baseline: 'ours' });
  expect(Object.keys(theirs?.ratios ?? {})).toEqual(['ms']);
  expect(theirs?.metrics.requests?.median).toBe(7);
});

test('without the baseline there is nothing to compare with', () => {
  expect(() => figuresOf(new Map([['theirs', [{ ms: 1 }]]]), { baseline: 'ours' })).toThrow('baseline ours');
});

test('what was measured along with others takes part with what it gave', async () => {
  const ways = [recorded('all', [{ ms: 1 }, { ms: 2 }]), recorded('first', [{ ms: 3 }])];
  const samples = await interleave({ ways, warmUp: 0, rounds: 2 });
  expect([...samples.values()]).toEqual([[{ ms: 1 }, { ms: 2 }], [{ ms: 3 }]]);
});
