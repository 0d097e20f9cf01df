/** Traces over OTLP/HTTP, through the packages of OpenTelemetry. They are loaded here and nowhere else, once traces are wanted. */
import type { ReadableSpan, Sampler, SpanExporter } from '@opentelemetry/sdk-trace';
import { errnoOf } from '../lib/errors.ts';
import { sleep } from '../lib/sleep.ts';
import type { BatchTracing } from './batch-trace.ts';
import { BatchTracer } from './batch-tracer.ts';
import type { OtelVariables } from './otel-variables.ts';
import { readOtelVariables } from './otel-variables.ts';

export type TracingSettings = {
  /** Base URL of the collector, to which `/v1/traces` is added. This and the next two stand over the `OTEL_…` variables. */
  readonly endpoint?: string | undefined;
  readonly serviceName?: string | undefined;
  /** Share of traces begun here that are kept, 0 to 1. */
  readonly sampleRatio?: number | undefined;
  readonly serviceVersion: string;
  /** Name of this group member. */
  readonly instance: string;
  readonly host: string;
  /** Undefined without Kafka. */
  readonly group: string | undefined;
};

export type TracingHooks = {
  /** Spans that the collector did not take. */
  lost(spans: number, error: string): void;
  delivered(): void;
  /** A variable that has no effect, or what the SDK warns of. */
  doubted(at: string, problem: string): void;
};

export type Tracing = BatchTracing & {
  /** Sends what was not sent yet, for FLUSH_MS at most. Never rejects. */
  close(): Promise<void>;
};

const SERVICE_NAME = 'segmentd';
/** A collector answers in milliseconds; this is what a stop may wait for one that does not. */
const FLUSH_MS = 2_000;

/** Undefined when a variable switches traces off. */
export async function openTracing(
  settings: TracingSettings,
  hooks: TracingHooks,
  env: Readonly<Record<string, string | undefined>> = process.env,
): Promise<Tracing | undefined> {
  const variables = readOtelVariables(env);
  for (const { variable, problem } of variables.problems) hooks.doubted(variable, problem);
  if (variables.offBy !== undefined) {
    hooks.doubted(variables.offBy, 'switches traces off, which tracing.enabled wants');
    return undefined;
  }
  const [api, core, sdk, otlp, resources] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/core'),
    import('@opentelemetry/sdk-trace'),
    import('@opentelemetry/exporter-trace-otlp-proto'),
    import('@opentelemetry/resources'),
  ]);
  const silent = () => undefined;
  const warn = (message: string) => hooks.doubted('OpenTelemetry', message);
  // Its errors are those of exports, which the exporter tells.
  const logger = { error: silent, warn, info: silent, debug: silent, verbose: silent };
  api.diag.setLogger(logger, { logLevel: api.DiagLogLevel.WARN, suppressOverrideMessage: true });

  const url = settings.endpoint && `${settings.endpoint.replace(/\/+$/, '')}/v1/traces`;
  const exporter = new ToldExporter(new otlp.OTLPTraceExporter(url ? { url } : {}), hooks);
  const provider = new sdk.TracerProvider({
    sampler: samplerOf(sdk, settings.sampleRatio, variables),
    spanLimits: variables.limits,
    spanProcessors: [new sdk.BatchSpanProcessor({ exporter, ...variables.batch })],
    resource: resourceOf(resources, settings),
  });
  const tracer = provider.getTracer(SERVICE_NAME, settings.serviceVersion);
  const propagator = new core.W3CTraceContextPropagator();
  const batches = new BatchTracer({ api, tracer, propagator, group: settings.group });
  return {
    batch: (table, events) => batches.batch(table, events),
    rejected: (record, error) => batches.rejected(record, error),
    async close() {
      const timeUp = new AbortController();
      const flushed = provider.shutdown().catch(silent);
      await Promise.race([flushed, sleep(FLUSH_MS, timeUp.signal)]);
      timeUp.abort();
      exporter.giveUp(`no answer within ${FLUSH_MS} ms of the stop`);
      api.diag.disable();
    },
  };
}

/** `sampleRatio` is for traces that begin here: whoever began one has decided for it. */
function samplerOf(
  sdk: typeof import('@opentelemetry/sdk-trace'),
  sampleRatio: number | undefined,
  { sampler, ratio }: OtelVariables,
): Sampler {
  const [, parentBased, name] = /^(parentbased_)?(.+)$/.exec(
    sampleRatio === undefined ? sampler : RATIO,
  ) as RegExpExecArray;
  const roots: Record<string, () => Sampler> = {
    always_on: () => new sdk.AlwaysOnSampler(),
    always_off: () => new sdk.AlwaysOffSampler(),
    traceidratio: () => new sdk.TraceIdRatioBasedSampler(sampleRatio ?? ratio),
  };
  const root = (roots[name as string] as () => Sampler)();
  return parentBased ? new sdk.ParentBasedSampler({ root }) : root;
}
const RATIO = 'parentbased_traceidratio';

/** Each over those before it: what segmentd knows of itself, the variables, the configuration. */
function resourceOf(
  { defaultResource, detectResources, resourceFromAttributes, ...detectors }: typeof import('@opentelemetry/resources'),
  { serviceName, serviceVersion, instance, host }: TracingSettings,
) {
  const { resourceAttributesEnvDetector, serviceNameEnvDetector } = detectors;
  const known = resourceFromAttributes({
    'service.name': SERVICE_NAME,
    'service.version': serviceVersion,
    'service.instance.id': instance,
    'host.name': host,
  });
  return defaultResource()
    .merge(known)
    .merge(detectResources({ detectors: [resourceAttributesEnvDetector, serviceNameEnvDetector] }))
    .merge(resourceFromAttributes(serviceName === undefined ? {} : { 'service.name': serviceName }));
}

type Done = Parameters<SpanExporter['export']>[1];

/** Tells what became of spans. */
class ToldExporter implements SpanExporter {
  readonly #inner: SpanExporter;
  readonly #hooks: TracingHooks;
  /** Spans that are on their way. */
  #pending = 0;
  #isClosed = false;

  constructor(inner: SpanExporter, hooks: TracingHooks) {
    this.#inner = inner;
    this.#hooks = hooks;
  }

  export(spans: ReadableSpan[], done: Done): void {
    this.#pending += spans.length;
    this.#inner.export(spans, (result) => {
      this.#pending -= spans.length;
      if (!this.#isClosed && result.code === 0) this.#hooks.delivered();
      else if (!this.#isClosed) this.#hooks.lost(spans.length, reasonOf(result.error));
      done(result);
    });
  }

  /** What has not arrived is lost. */
  giveUp(reason: string): void {
    this.#isClosed = true;
    if (this.#pending > 0) this.#hooks.lost(this.#pending, reason);
  }

  shutdown(): Promise<void> {
    return this.#inner.shutdown();
  }

  async forceFlush(): Promise<void> {
    await this.#inner.forceFlush?.();
  }
}

/** Of several addresses that all refuse, Node's error has a code and no message. */
function reasonOf(error: Error | undefined): string {
  return error?.message || errnoOf(error) || 'the collector did not take them';
}
