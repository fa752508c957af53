import {
  type GraphQLInputType,
  type GraphQLSchema,
  getNullableType,
  isEnumType,
  isInputObjectType,
  isLeafType,
  isListType,
  isObjectType,
} from 'graphql';
import { z } from 'zod';
import type { JobType } from '../core/define-job.ts';
import { isJson } from '../core/input/schema-parts.ts';
import type { Registry } from '../core/registry.ts';
import { pascalCase } from '../core/type-name.ts';
import { jobObjectName } from './schema/job-type.ts';
import { isRecord } from './request.ts';
import { oneOfOf } from './schema/one-of.ts';

/** The documents that GraphiQL opens with. */
export interface Examples {
  /** All that can be done with a job, in the first tab. */
  readonly operations: string;
  /** One query that runs as it is, in the second tab. */
  readonly query: string;
}

/** Makes the examples from the first job type, and the examples in its schemas. */
export function createExamples(schema: GraphQLSchema, { types: [type] }: Registry): Examples {
  if (type === undefined) throw new Error('there is no job type');
  const name = pascalCase(type.name);
  const result = resultOf(schema, type);
  const query = `# The latest job.
query LatestJob {
  jobs(first: 1) {
    nodes {
      id
      type
      status
      percentComplete
${result}    }
  }
}
`;
  const operations = `# Submit slow work; the reply comes at once.
mutation Submit${name} {
  submit${name}(
    input: ${indent(inputOf(schema, type), 4)}
  ) {
    jobId
    statusUrl
    job {
      status
      retryAfter
    }
  }
}

# Then poll the job by its id until it is done. Variables: { "id": "the jobId" }
query JobStatus($id: ID!) {
  jobStatus(id: $id) {
    status
    percentComplete
    error {
      code
      message
    }
${result.replaceAll(/^ {2}/gm, '')}  }
}

# Or subscribe to each change until it is done.
subscription JobUpdates($id: ID!) {
  jobUpdates(id: $id) {
    status
    percentComplete
    message
  }
}
${resourceOf(schema, type)}`;
  return { operations, query };
}

/** The result of a job of this type, with the fields that have none inside. */
function resultOf(schema: GraphQLSchema, type: JobType): string {
  const fields = leavesOf(schema, jobObjectName(type.name), 'result');
  if (fields.length === 0) return '';
  return `      ... on ${jobObjectName(type.name)} {
        result {
${fields.map((field) => `          ${field}\n`).join('')}        }
      }
`;
}

function resourceOf(schema: GraphQLSchema, type: JobType): string {
  const id = z.object({ id: z.string() }).safeParse(exampleOf(type.input)).data?.id;
  const fields = leavesOf(schema, 'Query', type.name);
  if (type.resource === undefined || id === undefined || fields.length === 0) return '';
  return `
# Read what the job made.
query ${pascalCase(type.name)} {
  ${type.name}(id: ${JSON.stringify(id)}) {
${fields.map((field) => `    ${field}\n`).join('')}  }
}
`;
}

function leavesOf(schema: GraphQLSchema, parent: string, field: string): string[] {
  const type = schema.getType(parent);
  const inside = isObjectType(type) ? getNullableType(type.getFields()[field]?.type) : undefined;
  if (!isObjectType(inside)) return [];
  const fields = Object.values(inside.getFields());
  return fields.filter((each) => isLeafType(getNullableType(each.type))).map((each) => each.name);
}

function inputOf(schema: GraphQLSchema, type: JobType): string {
  const inputType = schema.getType(`Submit${pascalCase(type.name)}Input`);
  return isInputObjectType(inputType) ? literalOf(exampleOf(type.input), inputType) : '{}';
}

/** A value of a job's schema as it is written in a document. */
function literalOf(value: unknown, type: GraphQLInputType): string {
  const valueType = getNullableType(type);
  if (Array.isArray(value)) {
    const itemType = isListType(valueType) ? valueType.ofType : valueType;
    return `[${value.map((item) => literalOf(item, itemType)).join(', ')}]`;
  }
  if (isEnumType(valueType)) return valueType.serialize(value) ?? 'null';
  if (!isRecord(value)) return JSON.stringify(value ?? null);
  if (!isInputObjectType(valueType)) return fieldsOf(value, () => valueType);
  const fields = valueType.getFields();
  const oneOf = oneOfOf(valueType);
  if (oneOf === undefined) return fieldsOf(value, (name) => fields[name]?.type);
  const member = [...oneOf.tags].find(([, tag]) => tag === value[oneOf.discriminator])?.[0] ?? '';
  const { [oneOf.discriminator]: _tag, ...rest } = value;
  const memberType = fields[member]?.type;
  return memberType === undefined ? '{}' : `{${member}: ${literalOf(rest, memberType)}}`;
}

/** JSON may have names that a document can't. */
function fieldsOf(
  value: Readonly<Record<string, unknown>>,
  typeOf: (name: string) => GraphQLInputType | undefined,
): string {
  const fields = Object.entries(value).flatMap(([name, item]) => {
    const type = typeOf(name);
    return type === undefined || !/^\w+$/.test(name) ? [] : [`${name}: ${literalOf(item, type)}`];
  });
  return `{${fields.join(', ')}}`;
}

/**
 * An example value for a schema: the schema's own, or one built from its parts; undefined if there is none.
 * @param within the objects around it, which it does not contain again
 */
function exampleOf(schema: z.core.$ZodType, within: readonly z.core.$ZodType[] = []): unknown {
  const inner = (part: z.core.$ZodType): unknown => exampleOf(part, [...within, schema]);
  const [own] = z.globalRegistry.get(schema)?.examples ?? [];
  if (own !== undefined) return own;
  if (within.includes(schema)) return undefined;
  if (schema instanceof z.ZodObject) {
    const fields = Object.entries(schema.shape).map(([name, field]) => [name, inner(field)]);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined));
  }
  if (schema instanceof z.ZodArray) return [inner(schema.element)].filter((item) => item !== undefined);
  if (schema instanceof z.ZodPipe) return inner(schema.in instanceof z.ZodTransform ? schema.out : schema.in);
  if (schema instanceof z.ZodCatch || schema instanceof z.ZodReadonly) return inner(schema.def.innerType);
  if (schema instanceof z.ZodLazy) return isJson(schema) ? {} : inner(schema._zod.innerType);
  if (schema instanceof z.ZodUnion) return schema.options.map(inner).find((value) => value !== undefined);
  if (schema instanceof z.ZodRecord) return {};
  if (schema instanceof z.ZodEnum) return schema.options[0];
  if (schema instanceof z.ZodLiteral) return [...schema.values][0];
  if (schema instanceof z.ZodBoolean) return true;
  if (schema instanceof z.ZodNumber) return Math.max(schema.minValue ?? 1, Number.MIN_SAFE_INTEGER);
  if (schema instanceof z.ZodISODateTime) return '2026-03-01T12:00:00Z';
  if (schema instanceof z.ZodISODate) return '2026-03-01';
  if (schema instanceof z.ZodURL) return 'https://example.com/';
  return schema instanceof z.ZodString ? 'text' : undefined;
}

function indent(text: string, spaces: number): string {
  return text.replaceAll('\n', `\n${' '.repeat(spaces)}`);
}
