/** Holds real answers to the schemas that the package ships, without a field that a schema does not name. */
import { Ajv2020 } from 'ajv/dist/2020.js';
import { expect } from 'vitest';
import type * as z from 'zod';
import { COMMAND_SCHEMAS, error } from '../../../scripts/command-schemas.ts';
import { answerSchema } from '../../../scripts/describe-schemas.ts';

const ajv = new Ajv2020({
  ...{ strict: true, allowUnionTypes: true, allErrors: true },
  formats: { 'date-time': /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/ },
});

export function expectAnswer(answer: unknown, ...schemas: readonly z.ZodType[]): void {
  const problems = schemas.map((schema) => {
    const isAnswer = ajv.compile(answerSchema(schema, 'output'));
    return isAnswer(answer)
      ? []
      : (isAnswer.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  });
  expect(problems.some((found) => found.length === 0) ? [] : problems).toEqual([]);
}

/** `name` is that of the schema's file. */
export function expectCommandAnswer(name: string, stdout: string): void {
  expectAnswer(JSON.parse(stdout), ...(COMMAND_SCHEMAS[name]?.answers ?? []));
}

export const expectErrorAnswer = (stdout: string): void => expectAnswer(JSON.parse(stdout), error);
