// An augmentation needs the module to be imported in this file.
import type {} from 'vitest';
import type { TestProject } from 'vitest/node';
import { startBroker } from '../testing/broker/broker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** `host:port` of each bootstrap broker. */
    brokers: string[];
  }
}

/** One broker for all test files of a project; each test takes a topic and a group of its own. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const broker = await startBroker();
  project.provide('brokers', broker.bootstrap);
  return () => broker.stop();
}
