import type { z } from 'zod';
import { type InputIssue, MAX_ISSUES, ServiceError } from '../errors.ts';
import { findUnstorableText } from './storable-text.ts';

/**
 * Refuses input that the schema refuses, or that no store can hold, and returns what the schema makes of it.
 * @throws ServiceError `invalid-input` with one issue for each thing that is wrong, at most 20
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  const parsed = schema.safeParse(input);
  const issues = parsed.success ? findUnstorableText(input) : parsed.error.issues.flatMap(toIssues);
  const [first] = issues;
  if (parsed.success && first === undefined) return parsed.data;
  const where = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  throw new ServiceError('invalid-input', `${where}${first?.message}`, { issues: issues.slice(0, MAX_ISSUES) });
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key], message: 'Unknown field' }));
}
