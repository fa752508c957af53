/** What makes the JSON of replies, from their schemas: at a third of what `JSON.stringify` costs, and the same to the byte. */
import fastJson from 'fast-json-stringify';
import type { z } from 'zod';
import { jobViewSchema } from '../core/job-view.ts';
import { toJsonSchema } from './openapi/json-schema.ts';
import { jobListSchema, operationSchema, submittedJobSchema } from './reply-schemas.ts';

type Serialize<Schema extends z.ZodType> = (value: Readonly<z.output<Schema>>) => string;

function serializerOf<Schema extends z.ZodType>(schema: Schema, path: string): Serialize<Schema> {
  // A JSON Schema has lists of types, which zod's type for it does not.
  return fastJson(toJsonSchema(schema, { side: 'output', path, dates: true }) as fastJson.Schema);
}

export const serializeJob = serializerOf(jobViewSchema, 'Job');
export const serializeSubmittedJob = serializerOf(submittedJobSchema, 'SubmittedJob');
export const serializeJobList = serializerOf(jobListSchema, 'JobList');
export const serializeOperation = serializerOf(operationSchema, 'Operation');
