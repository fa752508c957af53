import { z } from 'zod';
import { parseInput } from '../../core/input/parse-input.ts';
import { type Output, type OutputPiece, afterSchema, toOutput } from '../../core/output/output.ts';
import type { Builder } from '../builder.ts';
import type { JsonScalar } from './scalars.ts';

const argumentsSchema = z.object({ after: afterSchema });

/** Adds what functions of jobs publish while they run, and the subscription to it. */
export function addJobOutput(builder: Builder, json: JsonScalar): void {
  const kind = builder.enumType('JobOutputKind', {
    description: 'What a piece of output is.',
    values: {
      VALUE: { value: 'value', description: 'A value that the function published.' },
      ATTEMPT: {
        value: 'attempt',
        description:
          'The beginning of a further run, as when an attempt failed or lost its worker: what came before is not of this run.',
      },
    } as const,
  });
  const output = builder.objectRef<Output>('JobOutput').implement({
    description: "A piece of a job's output.",
    fields: (t) => ({
      sequence: t.exposeInt('sequence', {
        description:
          'From 1 in the whole job, over all its attempts. Each piece has the next number, the same on every channel.',
      }),
      attempt: t.exposeInt('attempt', { description: 'The attempt that published it.' }),
      kind: t.expose('kind', { type: kind }),
      value: t.field({
        type: json,
        nullable: true,
        description: 'What the function published: any JSON value. Null for other kinds.',
        resolve: ({ value }) => value,
      }),
    }),
  });
  builder.subscriptionField('jobOutput', (t) =>
    t.field({
      type: output,
      extensions: { access: { scope: 'read', jobKey: true } },
      description:
        'The output of the job so far, a piece each, then each piece as it is published. The stream ends when the job is done.',
      args: {
        id: t.arg.id({ required: true }),
        after: t.arg.int({
          defaultValue: 0,
          description: 'The `sequence` of the last piece that the client has: those behind it follow.',
        }),
      },
      async *subscribe(_, { id, after }, { service, caller, whenGone, breakOff }) {
        const { after: last } = parseInput(argumentsSchema, { after: after ?? 0 });
        for await (const pieces of service.watchOutput(id, caller, last, whenGone())) yield* pieces;
        // Ending the stream would send `complete`, after which clients do not reconnect.
        if (service.stopping.aborted) await breakOff();
      },
      resolve(piece: OutputPiece, _, context) {
        context.budget.renew();
        return toOutput(piece);
      },
    }),
  );
}
