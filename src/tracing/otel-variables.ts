/**
 * The `OTEL_…` variables that the SDK itself no longer reads since its version 3: who sets it up does. Those of the exporter
 * and of the resource are read by their packages. Meanings: https://opentelemetry.io/docs/specs/otel/configuration/sdk-environment-variables/
 */

type Environment = Readonly<Record<string, string | undefined>>;

type SamplerName = (typeof SAMPLERS)[number];
const SAMPLERS = [
  ...(['always_on', 'always_off', 'traceidratio'] as const),
  ...(['parentbased_always_on', 'parentbased_always_off', 'parentbased_traceidratio'] as const),
] as const;

/** Numbers of the batch processor and of the limits of a span, by the name that the SDK has for them. */
const BATCH_NUMBERS = {
  scheduledDelayMillis: 'OTEL_BSP_SCHEDULE_DELAY',
  exportTimeoutMillis: 'OTEL_BSP_EXPORT_TIMEOUT',
  maxQueueSize: 'OTEL_BSP_MAX_QUEUE_SIZE',
  maxExportBatchSize: 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE',
} as const;
const LIMIT_NUMBERS = {
  attributeCountLimit: 'OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT',
  attributeValueLengthLimit: 'OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT',
  eventCountLimit: 'OTEL_SPAN_EVENT_COUNT_LIMIT',
  linkCountLimit: 'OTEL_SPAN_LINK_COUNT_LIMIT',
} as const;

type Numbers<Names> = { readonly [Name in keyof Names]?: number };

export type OtelVariables = {
  /** The variable that switches traces off whatever the configuration says. */
  readonly offBy?: string;
  readonly sampler: SamplerName;
  /** Share of traces, 0 to 1, for samplers that take one. */
  readonly ratio: number;
  readonly batch: Numbers<typeof BATCH_NUMBERS>;
  readonly limits: Numbers<typeof LIMIT_NUMBERS>;
  /** Variables that ask for what segmentd does not do, or that are not understood; they have no effect. */
  readonly problems: readonly { readonly variable: string; readonly problem: string }[];
};

export function readOtelVariables(env: Environment): OtelVariables {
  const problems: { variable: string; problem: string }[] = [];
  const get = (variable: string) => env[variable]?.trim() || undefined;
  const number = (variable: string, most = Number.POSITIVE_INFINITY): number | undefined => {
    const text = get(variable);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (value >= 0 && value <= most) return value;
    problems.push({ variable, problem: `${JSON.stringify(text)} is no number that it may be` });
    return undefined;
  };
  const numbers = <Names extends Record<string, string>>(names: Names) =>
    Object.fromEntries(
      Object.entries(names).flatMap(([name, variable]) => {
        const value = number(variable);
        return value === undefined ? [] : [[name, value]];
      }),
    ) as Numbers<Names>;
  const oneOf = <Value extends string>(variable: string, values: readonly Value[], otherwise: Value): Value => {
    const text = get(variable);
    const found = values.find((value) => value === text?.toLowerCase());
    if (text !== undefined && found === undefined) {
      problems.push({ variable, problem: `segmentd knows no ${JSON.stringify(text)}, but ${values.join(', ')}` });
    }
    return found ?? otherwise;
  };
  const exporter = oneOf('OTEL_TRACES_EXPORTER', ['otlp', 'none'], 'otlp');
  for (const signal of ['OTLP', 'OTLP_TRACES']) {
    oneOf(`OTEL_EXPORTER_${signal}_PROTOCOL`, ['http/protobuf'], 'http/protobuf');
  }
  const offBy =
    get('OTEL_SDK_DISABLED')?.toLowerCase() === 'true'
      ? 'OTEL_SDK_DISABLED'
      : exporter === 'none' && 'OTEL_TRACES_EXPORTER';
  return {
    ...(offBy && { offBy }),
    sampler: oneOf('OTEL_TRACES_SAMPLER', SAMPLERS, 'parentbased_always_on'),
    ratio: number('OTEL_TRACES_SAMPLER_ARG', 1) ?? 1,
    batch: numbers(BATCH_NUMBERS),
    limits: numbers(LIMIT_NUMBERS),
    problems,
  };
}
