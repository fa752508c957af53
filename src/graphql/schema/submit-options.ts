import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import {
  type SubmitOptions,
  givenOptions,
  optionSchemas,
  submitOptionsSchema,
} from '../../core/input/submit-options.ts';
import type { Builder } from '../builder.ts';

export type SubmitOptionsInput = ReturnType<typeof addSubmitOptions>;

const describe = (name: keyof typeof optionSchemas) => ({ description: optionSchemas[name].description ?? '' });

/** Adds the input with the options that every submission takes. */
export function addSubmitOptions(builder: Builder) {
  return builder.inputType('SubmitOptions', {
    description: 'What a submission may say of its job beside the input.',
    fields: (t) => ({
      delaySeconds: t.int(describe('delaySeconds')),
      runAt: t.field({ type: 'DateTime', ...describe('runAt') }),
      startBefore: t.field({ type: 'DateTime', ...describe('startBefore') }),
      startWithinSeconds: t.int(describe('startWithinSeconds')),
      priority: t.int(describe('priority')),
      tags: t.stringList(describe('tags')),
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
