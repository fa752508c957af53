import type { Variant } from './schema.ts';

/** A JSON value in a form; undefined: absent. */
export type Value = unknown;
export type Fields = Readonly<Record<string, Value>>;

export function isFields(value: Value): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function withField(value: Value, name: string, field: Value): Fields {
  const fields = isFields(value) ? value : {};
  if (field !== undefined) return { ...fields, [name]: field };
  return Object.fromEntries(Object.entries(fields).filter(([each]) => each !== name));
}

/** The variant that a value is of; undefined for none. */
export function variantOf(value: Value, variants: readonly Variant[]): Variant | undefined {
  if (!isFields(value)) return undefined;
  return (
    variants.find(({ tags }) => {
      const entries = Object.entries(tags);
      return entries.length > 0 && entries.every(([name, tag]) => value[name] === tag);
    }) ?? variants.find(({ schema }) => Object.keys(value).every((name) => schema.properties?.[name] !== undefined))
  );
}

/** The number in a number field. Text that is not a number is kept: the server's error says what is wrong with it. */
export function toNumber(text: string): Value {
  if (text.trim() === '') return undefined;
  const number = Number(text);
  return Number.isFinite(number) ? number : text;
}
