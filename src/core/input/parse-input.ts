/** Checking values by a schema: input as strictly as possible, and only text that every store can hold. */
import type { z } from 'zod';
import { type InputIssue, MAX_ISSUES, ServiceError } from '../errors.ts';
import { type SchemaDef, lazySchema } from './schema-parts.ts';

/**
 * Parses input by a schema.
 * @throws ServiceError `invalid-input` with one issue for each error, at most 20
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, input: unknown): z.output<Schema> {
  return parseSubmission({ input: schema, strictInput: schema }, input).parsed;
}

/** An input that was accepted. */
export interface AcceptedInput<Schema extends z.ZodType> {
  readonly parsed: z.output<Schema>;
  /** As it was sent, except for text that no store can hold, where the schema takes any value (`.catch()`). */
  readonly storable: unknown;
}

/**
 * Parses a job's input.
 * @throws ServiceError `invalid-input`, as `parseInput` does
 */
export function parseSubmission<Schema extends z.ZodType>(
  { input: schema, strictInput }: { readonly input: Schema; readonly strictInput: Schema },
  input: unknown,
): AcceptedInput<Schema> {
  const parsed = strictInput.safeParse(input);
  let replaces = false;
  const unstorable = findUnstorableText(input, (path) => {
    const isTaken = isCaught(schema, path);
    replaces ||= isTaken;
    return isTaken;
  });
  if (!parsed.success) throw toInvalidInput(parsed.error.issues);
  if (unstorable.length === 0) return { parsed: parsed.data, storable: replaces ? toStorable(input) : input };
  throw invalidInput(unstorable);
}

/** The error for what zod says of an input. */
export function toInvalidInput(issues: readonly z.core.$ZodIssue[]): ServiceError {
  return invalidInput(issues.flatMap(toIssues));
}

/** The error for an input with these issues, of which it has the first 20. */
export function invalidInput(issues: readonly InputIssue[]): ServiceError {
  const [first] = issues;
  const where = first === undefined || first.path.length === 0 ? '' : `${first.path.join('.')}: `;
  return new ServiceError('invalid-input', `${where}${first?.message}`, { issues: issues.slice(0, MAX_ISSUES) });
}

function toIssues(issue: z.core.$ZodIssue): InputIssue[] {
  const path = issue.path.filter((part) => typeof part !== 'symbol');
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return issue.keys.map((key) => ({ path: [...path, key], message: 'Unknown field' }));
}

const UNSTORABLE = 'Invalid text: it contains U+0000 or a lone surrogate';

/**
 * Finds text that PostgreSQL cannot store, in values and in names of fields, up to 20 times. All backends refuse it, so that input is valid
 * on all of them or on none.
 * @param isTaken whether the text at a path is no issue
 */
export function findUnstorableText(
  value: unknown,
  isTaken: (path: InputIssue['path']) => boolean = () => false,
): InputIssue[] {
  const issues: InputIssue[] = [];
  const path: (string | number)[] = [];
  const report = (place: InputIssue['path']): void => {
    if (!isTaken(place)) issues.push({ path: place, message: UNSTORABLE });
  };
  const visit = (part: unknown, key?: string | number): void => {
    if (issues.length === MAX_ISSUES) return;
    if (key !== undefined) path.push(key);
    if (typeof part === 'string') {
      if (!isStorable(part)) report([...path]);
    } else if (Array.isArray(part)) {
      for (const [index, item] of part.entries()) visit(item, index);
    } else if (typeof part === 'object' && part !== null) {
      for (const [name, item] of Object.entries(part)) {
        if (!isStorable(name)) report([...path, name]);
        visit(item, name);
      }
    }
    if (key !== undefined) path.pop();
  };
  visit(value);
  return issues;
}

/** Whether the schema takes any value at a path. */
function isCaught(schema: z.ZodType, path: InputIssue['path']): boolean {
  const def: SchemaDef = schema.def;
  if (def.type === 'catch') return true;
  const [key, ...rest] = path;
  const inItem = def.element ?? def.valueType;
  if (inItem !== undefined) return key !== undefined && isCaught(inItem, rest);
  if (def.shape !== undefined) {
    const field = typeof key === 'string' && Object.hasOwn(def.shape, key) ? def.shape[key] : undefined;
    return field !== undefined && isCaught(field, rest);
  }
  const inside = def.innerType ?? def.in ?? lazySchema(schema);
  return inside !== undefined && isCaught(inside, path);
}

/** Replaces what no store can hold by U+FFFD, the replacement character. */
function toStorable(value: unknown): unknown {
  if (typeof value === 'string') return toStorableText(value);
  if (Array.isArray(value)) return value.map(toStorable);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [toStorableText(name), toStorable(item)]));
}

function toStorableText(text: string): string {
  return text.toWellFormed().replaceAll('\u0000', '\ufffd');
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}
