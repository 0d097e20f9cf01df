/** The self-check as the configuration has it. */
import type { Config } from '../config/schema.ts';
import { EvidenceFolder, SELF_CHECK } from '../control/evidence.ts';
import type { Pauses } from '../control/pauses.ts';
import type { TableRef } from '../model.ts';
import type { PipelineContext } from '../stages/context.ts';
import type { Telemetry } from '../telemetry/events.ts';
import { checkSettings } from './check-settings.ts';
import { SelfChecks } from './self-checks.ts';

type CheckParts = {
  readonly context: PipelineContext;
  readonly evidence: EvidenceFolder;
  /** Pauses a table at once, for all members as far as they can be told. */
  readonly pause: (table: TableRef) => void;
  readonly scratchDir: string;
};

/** What the self-check found before, here or in an earlier process; what it has paused is told with the metrics. */
export async function openEvidence(config: Config, telemetry: Telemetry, pauses: Pauses): Promise<EvidenceFolder> {
  const evidence = new EvidenceFolder(config.verify.evidence_dir);
  // Only a check that finds something needs the folder.
  await evidence.load().catch(() => undefined);
  telemetry.selfCheckPauses(() => pauses.paused().filter((table) => pauses.of(table)?.by === SELF_CHECK));
  return evidence;
}

/** The context with the hook for commits; which tables are checked may change while it is in force. */
export function withSelfChecks(config: Config, { context, evidence, pause, scratchDir }: CheckParts): PipelineContext {
  const { tables, pauses, telemetry, signal, settings } = context;
  const checks = new SelfChecks({
    settings: (id) => checkSettings(config, id),
    check: async ({ uri }, fresh, checking) => {
      // With the modules of apache-arrow, which a daemon that checks nothing starts without.
      const { checkFresh } = await import('../lance/inspect/check-fresh.ts');
      return checkFresh(tables.open(uri), fresh, { ...checking, scratchDir });
    },
    isPaused: (id) => pauses.isPaused(id),
    member: settings.member,
    ...{ evidence, pause, telemetry, signal },
  });
  return { ...context, landed: (...commit) => checks.landed(...commit) };
}
