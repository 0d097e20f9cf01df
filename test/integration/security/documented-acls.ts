/** The rights that docs/operating.md names, as the broker takes them. */
import { readFileSync } from 'node:fs';
import type { AclEntry, Admin } from 'kafkajs';
import { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } from 'kafkajs';
import type { KafkaSettings } from '../../../src/kafka/client.ts';

const OPERATIONS = {
  Read: AclOperationTypes.READ,
  Write: AclOperationTypes.WRITE,
  Describe: AclOperationTypes.DESCRIBE,
} as const;

/** The rows of the table below a line of the page that ends in a colon. */
function rowsBelow(line: string): string[][] {
  const page = readFileSync(new URL('../../../docs/operating.md', import.meta.url), 'utf8');
  const [, table] = page.split(line)[1]?.match(/^[^|]*((?:\|.*\n)+)/) ?? [];
  if (table === undefined) throw new Error(`docs/operating.md has no table below "${line}"`);
  const rows = table.trim().split('\n').slice(2);
  return rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** The rights of `user` that the table gives, those for options that are not set left out. */
export function documentedAcls(line: string, user: string, settings: KafkaSettings): AclEntry[] {
  const names: Readonly<Record<string, string | undefined>> = {
    'kafka.topic': settings.topic,
    'kafka.dead_letter_topic': settings.deadLetterTopic,
    'kafka.control_topic': settings.controlTopic,
    'kafka.notification_topic': settings.notificationTopic,
    'kafka.group_id': settings.groupId,
    '<group>-dead-letters-': `${settings.groupId}-dead-letters-`,
  };
  return rowsBelow(line).flatMap(([resource = '', operations = '']) => {
    const [, kind, option = ''] = /^(topic|group) `([^`]+)`/.exec(resource) ?? [];
    const name = names[option];
    if (kind === undefined || name === undefined) return [];
    const isPrefix = resource.endsWith('prefixed');
    return (operations.match(/Read|Write|Describe/g) ?? []).map((operation) => ({
      principal: `User:${user}`,
      host: '*',
      operation: OPERATIONS[operation as keyof typeof OPERATIONS],
      permissionType: AclPermissionTypes.ALLOW,
      resourceType: kind === 'topic' ? AclResourceTypes.TOPIC : AclResourceTypes.GROUP,
      resourceName: name,
      resourcePatternType: isPrefix ? ResourcePatternTypes.PREFIXED : ResourcePatternTypes.LITERAL,
    }));
  });
}

/** Takes all rights from a user. */
export async function revokeAll(admin: Admin, user: string): Promise<void> {
  const any = {
    resourceType: AclResourceTypes.ANY,
    resourcePatternType: ResourcePatternTypes.ANY,
    operation: AclOperationTypes.ANY,
    permissionType: AclPermissionTypes.ANY,
  };
  await admin.deleteAcls({ filters: [{ ...any, principal: `User:${user}` }] });
}
