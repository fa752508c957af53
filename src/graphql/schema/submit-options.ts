import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import {
  type SubmitOptions,
  deduplicationSchemas,
  givenOptions,
  optionSchemas,
  submitOptionsSchema,
} from '../../core/input/submit-options.ts';
import type { Builder } from '../builder.ts';

export type SubmitOptionsInput = ReturnType<typeof addSubmitOptions>;

const described = ({ description = '' }: { readonly description?: string | undefined }) => ({ description });
const describe = (name: keyof typeof optionSchemas) => described(optionSchemas[name]);

/** Adds the input with the options that every submission takes. */
export function addSubmitOptions(builder: Builder) {
  const { id, ttlSeconds } = deduplicationSchemas;
  const Mode = builder.enumType('DeduplicationMode', {
    description: 'Which input the job has that several submissions get.',
    values: {
      FIRST: { value: 'first', description: 'That of the submission that made the job.' },
      LAST: { value: 'last', description: 'That of the latest submission.' },
    } as const,
  });
  const Deduplication = builder.inputType('Deduplication', {
    description:
      'Lets submissions share a job that waits. An idempotency key instead means the same submission, for as long as its job is kept.',
    fields: (t) => ({
      id: t.string({ required: true, ...described(id) }),
      ttlSeconds: t.int(described(ttlSeconds)),
      mode: t.field({ type: Mode, description: 'Whose input the job has. The default is FIRST.' }),
    }),
  });
  return builder.inputType('SubmitOptions', {
    description: 'What a submission may say of its job beside the input.',
    fields: (t) => ({
      delaySeconds: t.int(describe('delaySeconds')),
      runAt: t.field({ type: 'DateTime', ...describe('runAt') }),
      startBefore: t.field({ type: 'DateTime', ...describe('startBefore') }),
      startWithinSeconds: t.int(describe('startWithinSeconds')),
      priority: t.int(describe('priority')),
      tags: t.stringList(describe('tags')),
      webhook: t.string(describe('webhook')),
      deduplication: t.field({ type: Deduplication, description: 'Whether a job that waits will do.' }),
    }),
  });
}

/** Where errors say that the options are. */
export const OPTIONS_PATH = ['options'];
const argumentsSchema = z.object({ options: submitOptionsSchema });

/**
 * @returns undefined for a submission without options
 * @throws ServiceError `invalid-input`
 */
export function readSubmitOptions(options: unknown): SubmitOptions | undefined {
  return options == null ? undefined : givenOptions(parseInput(argumentsSchema, { options }).options);
}
