/** How the S3 servers of the tests are reached. */
import { CreateBucketCommand, S3Client } from '@aws-sdk/client-s3';
import type { Lifecycle, StoreServer } from './store-server.ts';

/** Unlike anything else, so that a test can look for them in logs. */
export const ACCESS_KEY_ID = 'segmentd-test-key';
export const SECRET_ACCESS_KEY = 'segmentd-test-secret';
export const REGION = 'us-east-1';

export type S3Server = StoreServer & {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly region: string;
  /** Creates a bucket, for `s3://<name>/…`. */
  makeBucket(name: string): Promise<void>;
};

export function s3Server(port: number, lifecycle: Lifecycle): S3Server {
  const endpoint = `http://127.0.0.1:${port}`;
  const credentials = { accessKeyId: ACCESS_KEY_ID, secretAccessKey: SECRET_ACCESS_KEY };
  const storageOptionsAt = (at: string): Record<string, string> => ({
    access_key_id: ACCESS_KEY_ID,
    secret_access_key: SECRET_ACCESS_KEY,
    region: REGION,
    endpoint: at,
    allow_http: 'true',
  });
  return {
    ...lifecycle,
    ...credentials,
    endpoint,
    region: REGION,
    storageOptions: storageOptionsAt(endpoint),
    storageOptionsAt,
    async makeBucket(name) {
      const client = new S3Client({ endpoint, region: REGION, credentials, forcePathStyle: true });
      try {
        await client.send(new CreateBucketCommand({ Bucket: name }));
      } finally {
        client.destroy();
      }
    },
  };
}
