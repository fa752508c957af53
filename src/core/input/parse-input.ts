/** Checking values by a schema: input as strictly as possible, and only text that every store can hold. */
import { z } from 'zod';
import { type InputIssue, MAX_ISSUES, ServiceError } from '../errors.ts';

/**
 * Parses input by a schema.
 * @throws ServiceError `invalid-input` with one issue for each error, at most 20
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

const UNSTORABLE = 'Invalid text: it contains U+0000 or a lone surrogate';

/** Finds text that PostgreSQL cannot store. All backends refuse it, so that input is valid on all of them or on none. */
export function findUnstorableText(value: unknown, path: readonly (string | number)[] = []): InputIssue[] {
  if (typeof value === 'string') return isStorable(value) ? [] : [{ path, message: UNSTORABLE }];
  if (Array.isArray(value)) return value.flatMap((item, index) => findUnstorableText(item, [...path, index]));
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => findUnstorableText(item, [...path, key]));
}

function isStorable(text: string): boolean {
  return text.isWellFormed() && !text.includes('\u0000');
}

/** zod keeps a schema's parts in `def`; these are the parts that may contain objects. */
interface NestingDef {
  readonly type: z.core.$ZodTypeDef['type'];
  readonly shape?: Record<string, z.ZodType>;
  readonly catchall?: z.ZodType | undefined;
  readonly element?: z.ZodType;
  readonly innerType?: z.ZodType;
  readonly in?: z.ZodType;
}

/**
 * Returns the same schema, except for how it treats unknown fields, at every depth. Checks, defaults and transforms stay.
 * @param unknownFields `refused` in every object that does not declare how to treat them; `dropped` in all that would refuse them
 */
export function withUnknownFields<Schema extends z.ZodType>(
  schema: Schema,
  unknownFields: 'refused' | 'dropped',
): Schema {
  const changed = changedParts(schema.def, unknownFields);
  if (changed === undefined) return schema;
  // Copied by descriptor, because a default is a getter that returns a new value for each input.
  const parts = { ...Object.getOwnPropertyDescriptors(schema.def), ...Object.getOwnPropertyDescriptors(changed) };
  // These are the definition's own properties, with only the changed parts replaced.
  return z.core.clone<Schema>(schema, Object.defineProperties({}, parts) as Schema['def']);
}

function changedParts(def: NestingDef, unknownFields: 'refused' | 'dropped'): Partial<NestingDef> | undefined {
  const change = <Schema extends z.ZodType>(schema: Schema): Schema => withUnknownFields(schema, unknownFields);
  if (def.type === 'object' && def.shape !== undefined) {
    const { shape, catchall } = def;
    return {
      // Lazy, because an object's schema may contain itself.
      get shape() {
        return Object.fromEntries(Object.entries(shape).map(([name, field]) => [name, change(field)]));
      },
      catchall:
        unknownFields === 'refused' ? (catchall ?? z.never()) : catchall?.def.type === 'never' ? undefined : catchall,
    };
  }
  if (def.type === 'array' && def.element !== undefined) return { element: change(def.element) };
  if (def.type === 'pipe' && def.in !== undefined) return { in: change(def.in) };
  if (def.innerType !== undefined) return { innerType: change(def.innerType) };
  return undefined;
}
