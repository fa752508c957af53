import { ServiceError } from '../errors.ts';
import { type Span, type Tracer, jobAttributes } from '../tracer.ts';
import type { Submission, SubmittedJob } from './submission.ts';
import type { Submit } from './submit.ts';

/** Records each submission as a span, which is the parent of the spans of the job's attempts. */
export function traceSubmit(submit: Submit, tracer: Tracer | undefined): Submit {
  if (tracer === undefined) return submit;

  async function record(span: Span, submission: Submission, onId?: (id: string) => void): Promise<SubmittedJob> {
    const withId = (id: string): void => {
      span.set({ 'messaging.message.id': id });
      onId?.(id);
    };
    try {
      const submitted = await submit(submission, withId);
      if (submitted.replayed) span.set({ 'accepted.replayed': true });
      span.end();
      return submitted;
    } catch (error) {
      span.end(error instanceof ServiceError ? error.problem : 'internal-error');
      throw error;
    }
  }

  return (submission, onId) => {
    const { type, field, trace } = submission;
    const span = tracer.start('producer', trace, () => ({
      name: `send ${type.name}`,
      attributes: { ...jobAttributes('send', type.name), 'graphql.field.name': field },
    }));
    const within = span.context === trace ? submission : { ...submission, trace: span.context };
    return span.isRecorded ? record(span, within, onId) : submit(within, onId);
  };
}
