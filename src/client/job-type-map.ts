import type { z } from 'zod';
import type { JobType } from '../core/define-job.ts';

/** The input and the result of a job type, as JSON values. */
export interface JobTypeShape {
  readonly input: unknown;
  readonly result: unknown;
}

/** Maps the name of each job type to its shape. */
export type JobTypeMap<Types> = { readonly [Name in keyof Types]: JobTypeShape };

/**
 * The shape of a job type made with `defineJob`. The input type is what callers may send, so fields with a default are optional.
 * Both are JSON values, because the server does not start with a job type whose schema has other values.
 */
export interface ShapeOf<Type extends JobType> {
  readonly input: z.input<Type['input']>;
  readonly result: z.output<Type['result']>;
}
