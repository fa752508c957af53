import type { z } from 'zod';
import { type InputIssue, MAX_ISSUES, ServiceError } from './errors.ts';

/**
 * Refuses input that the schema refuses, or that no store can hold.
 * @throws ServiceError `invalid-input` with one issue for each thing that is wrong, at most 20
 */
export function checkInput(schema: z.ZodType, input: unknown): void {
  const parsed = schema.safeParse(input);
  const issues = parsed.success ? textIssues(input, []) : parsed.error.issues.flatMap(toIssues);
  const [first] = issues;
  if (first === undefined) return;
  const where = first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  throw new ServiceError('invalid-input', `${where}${first.message}`, { issues: issues.slice(0, MAX_ISSUES) });
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key], message: 'Unknown field' }));
}

/** PostgreSQL can't store U+0000 or half a surrogate pair, and what one backend refuses, all refuse. */
function textIssues(value: unknown, path: readonly (string | number)[]): InputIssue[] {
  if (typeof value === 'string') {
    const storable = value.isWellFormed() && !value.includes('\u0000');
    return storable ? [] : [{ path, message: 'Invalid text: it contains U+0000 or a lone surrogate' }];
  }
  if (Array.isArray(value)) return value.flatMap((item, index) => textIssues(item, [...path, index]));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).flatMap(([key, item]) => textIssues(item, [...path, key]));
  }
  return [];
}
