/** The options of a submission, in the query of its URL. */
import { z } from 'zod';
import { parseInput } from '../core/input/parse-input.ts';
import {
  type SubmitOptions,
  deduplicationSchemas,
  givenOptions,
  optionSchemas,
  requireOneEach,
} from '../core/input/submit-options.ts';
import { parameter, toNumber, toTexts, toTime, toValues } from './requests.ts';

const { id, ttlSeconds, mode } = deduplicationSchemas;

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
  webhook: parameter(optionSchemas.webhook.optional(), described('webhook'), 'webhook'),
  dedupeId: parameter(id.optional(), id.description ?? '', 'dedupeId'),
  dedupeSeconds: parameter(
    numberOption(ttlSeconds),
    `Beside dedupeId: ${ttlSeconds.description ?? ''}`,
    'dedupeSeconds',
  ),
  dedupeMode: parameter(mode.optional(), `Beside dedupeId: ${mode.description ?? ''}`, 'dedupeMode'),
});

const checkedSubmitQuery = submitQuery
  .superRefine((query, context) => {
    requireOneEach(query, context);
    for (const name of ['dedupeSeconds', 'dedupeMode'] as const)
      if (query[name] !== undefined && query.dedupeId === undefined)
        context.addIssue({ code: 'custom', path: [name], message: `Give dedupeId with ${name}` });
  })
  .transform(({ dedupeId, dedupeSeconds, dedupeMode, ...options }) => ({
    ...options,
    ...(dedupeId !== undefined && {
      deduplication: {
        id: dedupeId,
        ...(dedupeSeconds !== undefined && { ttlSeconds: dedupeSeconds }),
        ...(dedupeMode !== undefined && { mode: dedupeMode }),
      },
    }),
  }));

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
