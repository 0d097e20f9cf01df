/** `values.schema.json` of the Helm chart, by which helm refuses values that the chart does not know. */
import { configSchema } from './describe-schemas.ts';

type Json = Readonly<Record<string, unknown>>;

/** An object with these members and no other. */
const closed = (properties: Json) => ({ type: 'object', properties, additionalProperties: false });
const listOf = (items: Json) => ({ type: 'array', items });

const TEXT = { type: 'string' };
const FLAG = { type: 'boolean' };
/** What Kubernetes or an operator defines: they say what is wrong in it. */
const ANY_MAP = { type: 'object' };
const ANY_LIST = listOf(ANY_MAP);
const TEXTS_BY_NAME = { type: 'object', additionalProperties: TEXT };
const countFrom = (minimum: number) => ({ type: 'integer', minimum });
/** As Kubernetes writes bytes. */
const QUANTITY = { type: 'string', pattern: '^[0-9]+(\\.[0-9]+)?(k|M|G|T|Ki|Mi|Gi|Ti)?$' };

const NAMED = { ...ANY_MAP, required: ['name'], properties: { name: TEXT } };

const VALUES: Json = {
  image: closed({
    repository: TEXT,
    tag: TEXT,
    digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
    pullPolicy: { enum: ['Always', 'IfNotPresent', 'Never'] },
  }),
  imagePullSecrets: listOf(NAMED),
  replicas: countFrom(0),
  secrets: listOf({ ...closed({ name: TEXT, mountPath: TEXT }), required: ['name', 'mountPath'] }),
  env: listOf(NAMED),
  envFrom: ANY_LIST,
  serviceAccount: closed({ create: FLAG, name: TEXT, annotations: TEXTS_BY_NAME }),
  scratch: closed({ sizeLimit: QUANTITY, persistent: FLAG, storageClassName: TEXT }),
  data: closed({ existingClaim: TEXT, mountPath: TEXT }),
  resources: ANY_MAP,
  podDisruptionBudget: closed({ enabled: FLAG, maxUnavailable: { type: ['integer', 'string'] } }),
  autoscaling: closed({
    kind: { enum: ['off', 'keda', 'hpa'] },
    minReplicas: countFrom(0),
    maxReplicas: countFrom(1),
    lagThreshold: countFrom(1),
    authenticationRef: TEXT,
    triggerMetadata: TEXTS_BY_NAME,
    metricLabels: TEXTS_BY_NAME,
  }),
  serviceMonitor: closed({ enabled: FLAG, labels: TEXTS_BY_NAME, interval: TEXT }),
  prometheusRule: closed({ enabled: FLAG, labels: TEXTS_BY_NAME }),
  networkPolicy: closed({ enabled: FLAG, http: ANY_LIST, admin: ANY_LIST }),
  podAnnotations: TEXTS_BY_NAME,
  podLabels: TEXTS_BY_NAME,
  nodeSelector: TEXTS_BY_NAME,
  tolerations: ANY_LIST,
  affinity: ANY_MAP,
  // What a chart that has this one as a part may give it.
  global: ANY_MAP,
  enabled: { ...FLAG, description: 'Read by the chart above, as `condition: segmentd.enabled`.' },
};

/**
 * Rules that stay with the daemon: helm is written in Go, whose patterns cannot look ahead, and an option that the chart has to have is
 * named by the chart, in a sentence.
 */
const LEFT_OUT: ReadonlySet<string> = new Set(['pattern', 'propertyNames', 'minProperties', '$schema', 'title']);

/** The configuration by names and types. The same without `null` for a section: templates read in sections. */
function namesAndTypes(schema: unknown, isMember = false): unknown {
  if (Array.isArray(schema)) return schema.map((each) => namesAndTypes(each));
  if (typeof schema !== 'object' || schema === null) return schema;
  const kept = Object.entries(schema).filter(([key]) => isMember || !LEFT_OUT.has(key));
  return Object.fromEntries(
    kept.map(([key, value]) => {
      if (!isMember && key === 'type' && Array.isArray(value)) return [key, withoutNull(value)];
      return [key, namesAndTypes(value, !isMember && key === 'properties')];
    }),
  );
}

function withoutNull(types: readonly string[]): string | string[] {
  const rest = types.filter((type) => type !== 'null');
  return types.includes('object') && rest.length === 1 ? 'object' : [...types];
}

export function valuesSchema(): string {
  const schema = {
    // Every helm reads this one, 3.0 too.
    $schema: 'http://json-schema.org/draft-07/schema#',
    title: 'Values of the Helm chart of segmentd',
    ...closed({ ...VALUES, config: namesAndTypes(JSON.parse(configSchema())) as Json }),
  };
  return `${JSON.stringify(schema, null, 2)}\n`;
}
