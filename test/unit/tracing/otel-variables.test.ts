import { describe, expect, test } from 'vitest';
import { readOtelVariables } from '../../../src/tracing/otel-variables.ts';

test('without variables everything is as the specification has it', () => {
  const defaults = { sampler: 'parentbased_always_on', ratio: 1, batch: {}, limits: {}, problems: [] };
  expect(readOtelVariables({})).toEqual(defaults);
  // Empty counts as unset.
  expect(readOtelVariables({ OTEL_TRACES_SAMPLER: ' ', OTEL_BSP_SCHEDULE_DELAY: '' })).toEqual(defaults);
});

test('sampler, batches and limits are taken', () => {
  const read = readOtelVariables({
    OTEL_TRACES_SAMPLER: 'TraceIdRatio',
    OTEL_TRACES_SAMPLER_ARG: '0.25',
    OTEL_BSP_SCHEDULE_DELAY: '100',
    OTEL_BSP_MAX_QUEUE_SIZE: '10',
    OTEL_SPAN_LINK_COUNT_LIMIT: '3',
    OTEL_TRACES_EXPORTER: 'otlp',
    OTEL_EXPORTER_OTLP_PROTOCOL: 'http/protobuf',
    OTEL_SDK_DISABLED: 'false',
  });
  expect(read).toEqual({
    sampler: 'traceidratio',
    ratio: 0.25,
    batch: { scheduledDelayMillis: 100, maxQueueSize: 10 },
    limits: { linkCountLimit: 3 },
    problems: [],
  });
});

describe('traces are off', () => {
  test.each([
    ['OTEL_SDK_DISABLED', 'TRUE'],
    ['OTEL_TRACES_EXPORTER', 'none'],
  ])('with %s=%s', (variable, value) => {
    expect(readOtelVariables({ [variable]: value }).offBy).toBe(variable);
  });
});

describe('what segmentd does not do is told, and has no effect', () => {
  test.each([
    ['OTEL_TRACES_SAMPLER', 'jaeger_remote'],
    ['OTEL_TRACES_SAMPLER_ARG', '1.5'],
    ['OTEL_TRACES_SAMPLER_ARG', 'half'],
    ['OTEL_TRACES_EXPORTER', 'zipkin'],
    ['OTEL_EXPORTER_OTLP_PROTOCOL', 'grpc'],
    ['OTEL_EXPORTER_OTLP_TRACES_PROTOCOL', 'http/json'],
    ['OTEL_BSP_MAX_QUEUE_SIZE', '-1'],
  ])('%s=%s', (variable, value) => {
    const { problems, ...rest } = readOtelVariables({ [variable]: value });
    expect(problems).toEqual([{ variable, problem: expect.stringContaining(value) }]);
    expect({ ...rest, problems: [] }).toEqual(readOtelVariables({}));
  });
});
