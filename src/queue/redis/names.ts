/** What every key begins with. */
export const PREFIX = 'accepted';

/** The name of a job type's queue on Redis. The braces keep all keys of a queue in one slot of a cluster. */
export function queueName(type: string): string {
  return `{${type}}`;
}

/** What every key of a type's queue begins with. */
export function prefixOf(type: string): string {
  return `${PREFIX}:${queueName(type)}:`;
}
