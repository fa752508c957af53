/** The parts of a JSON Schema (draft 2020-12) that a form is made from. */
export interface Schema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly items?: Schema;
  readonly prefixItems?: readonly Schema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly anyOf?: readonly Schema[];
  readonly oneOf?: readonly Schema[];
  readonly allOf?: readonly Schema[];
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly default?: unknown;
  readonly examples?: readonly unknown[];
  readonly format?: string;
  readonly pattern?: string;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
  /** Whether it is the id of an upload. */
  readonly 'x-accepted-upload'?: boolean;
}

/** How a value is entered. */
export type Control =
  | { readonly kind: 'object'; readonly fields: readonly ObjectField[] }
  | { readonly kind: 'list'; readonly item: Schema }
  | { readonly kind: 'choice'; readonly values: readonly Scalar[] }
  | { readonly kind: 'union'; readonly variants: readonly Variant[] }
  | { readonly kind: 'text'; readonly format: string | undefined; readonly long: boolean }
  | { readonly kind: 'number'; readonly integer: boolean }
  | { readonly kind: 'boolean' }
  | { readonly kind: 'file' }
  /** Anything else: records, tuples, values without a schema. */
  | { readonly kind: 'json' };

export type Scalar = string | number | boolean | null;

export interface ObjectField {
  readonly name: string;
  readonly schema: Schema;
  readonly required: boolean;
}

export interface Variant {
  readonly name: string;
  readonly schema: Schema;
  /** The fields that tell it from the others, with their only values. */
  readonly tags: Readonly<Record<string, unknown>>;
}

/** Characters from which a text has several lines. */
const LONG = 200;

/** Follows references, and leaves out null, which stands for an absent value. */
export function resolve(schema: Schema, root: Schema): Schema {
  const { $ref, ...own } = schema;
  if ($ref !== undefined) {
    const target = $ref === '#' ? root : root.$defs?.[$ref.slice('#/$defs/'.length)];
    return target === undefined ? own : resolve({ ...target, ...own }, root);
  }
  const [only, ...others] = (schema.anyOf ?? []).filter(({ type }) => type !== 'null');
  if (only === undefined || others.length > 0) return schema;
  const { anyOf: _, ...rest } = schema;
  return resolve({ ...only, ...rest }, root);
}

function typeOf({ type }: Schema): string | undefined {
  return typeof type === 'string' || type === undefined ? type : type.find((each) => each !== 'null');
}

/** @param schema resolved */
export function controlOf(schema: Schema, root: Schema): Control {
  if (schema['x-accepted-upload'] === true) return { kind: 'file' };
  if (schema.const !== undefined) return { kind: 'choice', values: [schema.const].filter(isScalar) };
  if (schema.enum !== undefined) return { kind: 'choice', values: schema.enum.filter(isScalar) };
  const variants = variantsOf(schema, root);
  if (variants !== undefined) return { kind: 'union', variants };
  switch (typeOf(schema) ?? '') {
    case 'object': {
      const { properties, required = [] } = schema;
      if (properties === undefined) return { kind: 'json' };
      const fields = Object.entries(properties).map(([name, field]) => ({
        name,
        schema: field,
        required: required.includes(name),
      }));
      return { kind: 'object', fields };
    }
    case 'array':
      return schema.items === undefined || schema.prefixItems !== undefined
        ? { kind: 'json' }
        : { kind: 'list', item: schema.items };
    case 'string':
      return { kind: 'text', format: schema.format, long: (schema.maxLength ?? LONG) > LONG };
    case 'integer':
      return { kind: 'number', integer: true };
    case 'number':
      return { kind: 'number', integer: false };
    case 'boolean':
      return { kind: 'boolean' };
    default:
      return { kind: 'json' };
  }
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

/** The members of a union of objects; undefined for any other schema. */
function variantsOf(schema: Schema, root: Schema): readonly Variant[] | undefined {
  const members = (schema.oneOf ?? schema.anyOf)
    ?.filter(({ type }) => type !== 'null')
    .map((each) => resolve(each, root));
  if (members === undefined || members.length < 2) return undefined;
  // Unions inside unions are one to the reader.
  const flat = members.flatMap((member) => variantsOf(member, root)?.map((each) => each.schema) ?? [member]);
  if (!flat.every((member) => member.properties !== undefined)) return undefined;
  return flat.map((member, index) => {
    const tags = Object.fromEntries(
      Object.entries(member.properties ?? {}).flatMap(([name, { const: value, enum: values }]) => {
        const first = value ?? values?.[0];
        return first === undefined || (value === undefined && !isTag(name, flat)) ? [] : [[name, first]];
      }),
    );
    const [first] = Object.entries(tags);
    const name = member.title ?? (first === undefined ? `Variant ${index + 1}` : tagName(first));
    return { name, schema: member, tags };
  });
}

/** Whether each member of a union has a list of values for a field. */
function isTag(name: string, members: readonly Schema[]): boolean {
  return members.every(({ properties }) => {
    const field = properties?.[name];
    return field?.const !== undefined || field?.enum !== undefined;
  });
}

function tagName([name, value]: readonly [string, unknown]): string {
  return typeof value === 'string' ? value : `${name}: ${JSON.stringify(value)}`;
}
