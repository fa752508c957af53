import { ServiceError } from '../errors.ts';
import { type Tracer, jobAttributes } from '../tracer.ts';
import type { Submit } from './submit.ts';

/** Records each submission as a span, which is the parent of the spans of the job's attempts. */
export function traceSubmit(submit: Submit, tracer: Tracer | undefined): Submit {
  if (tracer === undefined) return submit;
  return async (submission, onId) => {
    const { type, field, trace: parent } = submission;
    const attributes = { ...jobAttributes('send', type.name), 'graphql.field.name': field };
    const span = tracer.start(`send ${type.name}`, { kind: 'producer', parent, attributes });
    const withId = (id: string): void => {
      span.set({ 'messaging.message.id': id });
      onId?.(id);
    };
    try {
      const submitted = await submit({ ...submission, trace: span.context }, withId);
      if (submitted.replayed) span.set({ 'accepted.replayed': true });
      span.end();
      return submitted;
    } catch (error) {
      span.end(error instanceof ServiceError ? error.problem : 'internal-error');
      throw error;
    }
  };
}
