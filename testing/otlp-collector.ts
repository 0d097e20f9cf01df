/** A stand-in for a collector of OpenTelemetry: takes traces over OTLP/HTTP, in protobuf. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BinaryReader } from '@bufbuild/protobuf/wire';

export type CollectedSpan = {
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** Empty for a root. */
  readonly parentSpanId: string;
  readonly traceState: string;
  readonly kind: number;
  /** Nanoseconds since the epoch. */
  readonly start: bigint;
  readonly end: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly events: readonly { readonly name: string; readonly attributes: Readonly<Record<string, unknown>> }[];
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** 2 is an error. */
  readonly status: { readonly code: number; readonly message: string };
  /** Attributes of the process that sent it. */
  readonly resource: Readonly<Record<string, unknown>>;
};

export type Collector = {
  /** To which a sender adds `/v1/traces`. */
  readonly url: string;
  /** Spans so far. */
  readonly spans: CollectedSpan[];
  /** Headers of each request so far. */
  readonly requests: Readonly<Record<string, unknown>>[];
  close(): Promise<void>;
};

/** With `answers: false` it takes requests and never answers. */
export async function startCollector({ answers = true } = {}): Promise<Collector> {
  const spans: CollectedSpan[] = [];
  const requests: Readonly<Record<string, unknown>>[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    requests.push(request.headers);
    const isTraces = request.url === '/v1/traces' && request.headers['content-type'] === 'application/x-protobuf';
    if (isTraces && answers) spans.push(...readTraces(Buffer.concat(chunks)));
    if (answers) response.writeHead(isTraces ? 200 : 404, { 'content-type': 'application/x-protobuf' }).end();
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    requests,
    close: () => {
      server.closeAllConnections();
      return new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

type Field = bigint | number | Uint8Array;

/** The fields of a message by number, in their order. Numbers of 64 bits are bigints. */
function fieldsOf(bytes: Uint8Array): Map<number, Field[]> {
  const reader = new BinaryReader(bytes);
  const fields = new Map<number, Field[]>();
  while (reader.pos < reader.len) {
    const [field, type] = reader.tag();
    const read: Record<number, () => Field> = {
      0: () => BigInt(reader.int64()),
      1: () => BigInt(reader.fixed64()),
      2: () => reader.bytes(),
      5: () => reader.fixed32(),
    };
    const value = (read[type] as () => Field)();
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const all = (fields: Map<number, Field[]>, field: number) =>
  (fields.get(field) ?? []).map((bytes) => fieldsOf(bytes as Uint8Array));
const bytesOf = (fields: Map<number, Field[]>, field: number) =>
  Buffer.from((fields.get(field)?.[0] as Uint8Array | undefined) ?? []);
const textOf = (fields: Map<number, Field[]>, field: number) => bytesOf(fields, field).toString();
const hexOf = (fields: Map<number, Field[]>, field: number) => bytesOf(fields, field).toString('hex');
const numberOf = (fields: Map<number, Field[]>, field: number) => Number(fields.get(field)?.[0] ?? 0);

/** opentelemetry/proto/common/v1/common.proto: strings, booleans, integers and doubles. */
function attributesOf(fields: Map<number, Field[]>, field: number): Record<string, unknown> {
  const contentOf = (value: Map<number, Field[]>) => {
    const [[kind, [content]] = [0, []]] = [...value];
    if (kind === 1) return Buffer.from(content as Uint8Array).toString();
    if (kind === 2) return Number(content) === 1;
    if (kind === 3) return Number(content);
    if (kind !== 4) return value;
    const double = Buffer.alloc(8);
    double.writeBigUInt64LE(content as bigint);
    return double.readDoubleLE();
  };
  return Object.fromEntries(
    all(fields, field).map((pair) => [textOf(pair, 1), contentOf(all(pair, 2)[0] ?? new Map())]),
  );
}

/** opentelemetry/proto/collector/trace/v1/trace_service.proto and opentelemetry/proto/trace/v1/trace.proto. */
function readTraces(request: Uint8Array): CollectedSpan[] {
  return all(fieldsOf(request), 1).flatMap((resourceSpans) => {
    const resource = attributesOf(all(resourceSpans, 1)[0] ?? new Map(), 1);
    const spans = all(resourceSpans, 2).flatMap((scope) => all(scope, 2));
    return spans.map((span) => ({ ...readSpan(span), resource }));
  });
}

function readSpan(span: Map<number, Field[]>): Omit<CollectedSpan, 'resource'> {
  const status = all(span, 15)[0] ?? new Map<number, Field[]>();
  return {
    traceId: hexOf(span, 1),
    spanId: hexOf(span, 2),
    traceState: textOf(span, 3),
    parentSpanId: hexOf(span, 4),
    name: textOf(span, 5),
    kind: numberOf(span, 6),
    start: (span.get(7)?.[0] ?? 0n) as bigint,
    end: (span.get(8)?.[0] ?? 0n) as bigint,
    attributes: attributesOf(span, 9),
    events: all(span, 11).map((event) => ({ name: textOf(event, 2), attributes: attributesOf(event, 3) })),
    links: all(span, 13).map((link) => ({ traceId: hexOf(link, 1), spanId: hexOf(link, 2) })),
    status: { message: textOf(status, 2), code: numberOf(status, 3) },
  };
}
