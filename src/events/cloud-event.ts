/**
 * CloudEvents 1.0 on Kafka: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/kafka-protocol-binding.md
 *
 *   structured   `content-type: application/cloudevents+json`, or a JSON object with `specversion` and without `table`
 *                value = { specversion, id, source, time, subject, datacontenttype, data | data_base64, ... }
 *   binary       header `ce_specversion`; further attributes in `ce_*`, the data's media type in `content-type`
 *                value = data
 *
 * Only `specversion` and the media types are held to the specification: the other attributes are provenance, and an event
 * without them still says which table has grown. `type` is not read, since every producer has a name of its own for an append.
 */
import * as z from 'zod';
import { SegmentdError } from '../lib/errors.ts';
import { cutNote, readFields } from './append-fields.ts';
import { isJsonObject, parseJson } from './json-value.ts';

/** The content of a record without its envelope: the data, and attributes of the envelope that the data lacks. */
type Opened = { readonly data: unknown; readonly defaults: Readonly<Record<string, string>> };

/** Of a record without an envelope. */
export const NO_DEFAULTS: Opened['defaults'] = {};
const SPECVERSION = '1.0';
const STRUCTURED = 'application/cloudevents';
const STRUCTURED_JSON = new Set([STRUCTURED, `${STRUCTURED}+json`]);
/** As the JSON event format defines it: a subtype of json, or one that ends in +json. */
const JSON_TYPE = /^[^/\s]+\/(?:[^/\s]+\+)?json$/;
const SHOWN_CHARS = 60;

const attribute = z.string().nullish();
const envelopeFields = z.object({
  id: attribute,
  source: attribute,
  time: attribute,
  subject: attribute,
  datacontenttype: attribute,
  data: z.unknown().optional(),
  data_base64: attribute,
});
type Attributes = { readonly [name in 'id' | 'source' | 'time' | 'subject']?: string | null | undefined };

/**
 * Takes a record out of its CloudEvents envelope; one without an envelope is its own data. Throws SegmentdError
 * `event_not_json`, `event_cloudevent_version`, `event_content_type`, or `event_invalid` for an envelope of the wrong shape.
 */
export function openEnvelope(value: Uint8Array, headers: ReadonlyMap<string, Uint8Array>): Opened {
  if (headers.size === 0) return openBare(value);
  const header = (name: string): string | undefined => {
    const bytes = headers.get(name);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString();
  };
  const contentType = header('content-type');
  const media = mediaType(contentType);
  if (media.startsWith(STRUCTURED)) {
    if (!STRUCTURED_JSON.has(media)) throw notJson(media);
    return openStructured(parseJson(value));
  }
  const specversion = header('ce_specversion');
  if (specversion !== undefined) {
    checkVersion(specversion);
    checkJson(contentType);
    const [id, source, time, subject] = ['ce_id', 'ce_source', 'ce_time', 'ce_subject'].map(header);
    return { data: parseJson(value), defaults: defaultsOf({ id, source, time, subject }) };
  }
  return openBare(value);
}

/** The content type is optional in structured mode, and connectors tend to lose headers. */
function openBare(value: Uint8Array): Opened {
  const data = parseJson(value);
  return isJsonObject(data) && Object.hasOwn(data, 'specversion') && (data.table ?? undefined) === undefined
    ? openStructured(data)
    : { data, defaults: NO_DEFAULTS };
}

function openStructured(envelope: unknown): Opened {
  if (isJsonObject(envelope)) checkVersion(envelope.specversion);
  const { data, data_base64: base64, datacontenttype, ...attributes } = readFields(envelopeFields, envelope);
  checkJson(datacontenttype);
  if (base64 === undefined || base64 === null) return { data: data ?? {}, defaults: defaultsOf(attributes) };
  if (data !== undefined)
    throw new SegmentdError('event_invalid', 'data and data_base64: only one of them may be there');
  const bytes = Buffer.from(base64, 'base64');
  // Node skips what is not base64; an event that is damaged must not be taken for another one.
  if (bytes.toString('base64') !== base64) throw new SegmentdError('event_invalid', 'data_base64: not base64');
  return { data: parseJson(bytes), defaults: defaultsOf(attributes) };
}

/** The subject stands in for a table that the data does not name; it is checked like any other address. */
function defaultsOf({ id, source, time, subject }: Attributes): Record<string, string> {
  return {
    ...(typeof subject === 'string' && { table: subject }),
    ...(typeof id === 'string' && { id: cutNote(id) }),
    ...(typeof time === 'string' && { time: cutNote(time) }),
    ...(typeof source === 'string' && { producer: cutNote(source) }),
  };
}

function checkVersion(specversion: unknown): void {
  if (specversion === SPECVERSION) return;
  const shown =
    typeof specversion === 'string' ? JSON.stringify(specversion.slice(0, SHOWN_CHARS)) : typeof specversion;
  throw new SegmentdError('event_cloudevent_version', `specversion is ${shown}, not "${SPECVERSION}"`);
}

/** Without a content type the data counts as JSON. */
function checkJson(contentType: string | null | undefined): void {
  const media = mediaType(contentType);
  if (media !== '' && !JSON_TYPE.test(media)) throw notJson(media);
}

const mediaType = (contentType: string | null | undefined): string =>
  (contentType ?? '').split(';', 1).join().trim().toLowerCase();

const notJson = (media: string): SegmentdError =>
  new SegmentdError(
    'event_content_type',
    `the content type ${JSON.stringify(media.slice(0, SHOWN_CHARS))} is not JSON`,
  );
