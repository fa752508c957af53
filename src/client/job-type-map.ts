import type { z } from 'zod';
import type { JobType } from '../core/define-job.ts';

/** What a job type takes and gives, as JSON carries it. */
export interface JobTypeShape {
  readonly input: unknown;
  readonly result: unknown;
}

/** Job types by their names. */
export type JobTypeMap<Types> = { readonly [Name in keyof Types]: JobTypeShape };

/**
 * What `defineJob` was given, as types alone. Input is what callers may send, so a field with a default may be left out.
 * JSON holds all of both, because a job type with a schema that it can't hold does not start.
 */
export interface ShapeOf<Type extends JobType> {
  readonly input: z.input<Type['input']>;
  readonly result: z.output<Type['result']>;
}
