/** What a daemon does in the background. */
import type { Config } from '../config/schema.ts';
import { AskedWork } from '../control/asked-work.ts';
import type { TableRef } from '../model.ts';
import type { WorkSchedules } from './asked-commands.ts';
import { maintainSettings } from './maintain-schedule.ts';
import { mergeSchedule } from './pipeline-context.ts';

/** By schedule, and at the request of an operator. */
export function workSchedules(config: Config): WorkSchedules {
  return {
    merges: { ...mergeSchedule(config), asked: new AskedWork() },
    maintenance: { settings: ({ id }: TableRef) => maintainSettings(config, id), asked: new AskedWork() },
  };
}
