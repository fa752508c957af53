/** The options of a submission, in the query of its URL. */
import { z } from 'zod';
import { parseInput } from '../core/input/parse-input.ts';
import { type SubmitOptions, givenOptions, optionSchemas, requireOneEach } from '../core/input/submit-options.ts';
import { parameter, toNumber, toTexts, toTime, toValues } from './requests.ts';

const numberOption = (schema: z.ZodType<number>) => z.preprocess(toNumber, schema.optional());
const described = (name: keyof typeof optionSchemas): string => optionSchemas[name].description ?? '';

/** The options of a submission. */
export const submitQuery = z.object({
  delaySeconds: parameter(numberOption(optionSchemas.delaySeconds), described('delaySeconds'), 'delaySeconds'),
  runAt: parameter(toTime, described('runAt'), 'runAt'),
  startBefore: parameter(toTime, described('startBefore'), 'startBefore'),
  startWithinSeconds: parameter(
    numberOption(optionSchemas.startWithinSeconds),
    described('startWithinSeconds'),
    'startWithinSeconds',
  ),
  priority: parameter(numberOption(optionSchemas.priority), described('priority'), 'priority'),
  tags: parameter(
    z.preprocess(toTexts, optionSchemas.tags.optional()),
    `${described('tags')} May be repeated, or separated by commas.`,
    'tags',
  ),
});

const checkedSubmitQuery = submitQuery.superRefine(requireOneEach);

/**
 * Other parameters are ignored.
 * @returns undefined for a submission without options
 * @throws ServiceError `invalid-input` that names the parameter
 */
export function readSubmitOptions(query: unknown): SubmitOptions | undefined {
  const options = Object.entries(toValues(query)).filter(([name]) => Object.hasOwn(submitQuery.shape, name));
  if (options.length === 0) return undefined;
  return givenOptions(parseInput(checkedSubmitQuery, Object.fromEntries(options)));
}
