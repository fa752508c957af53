import { useMemo, useRef, useState } from 'preact/hooks';
import { type Failure, type FieldIssue, toFailure } from '../data/failure.ts';
import { parse } from './controls.tsx';
import { Field } from './field.tsx';
import { formContext } from './form-context.tsx';
import type { Schema } from './schema.ts';
import type { Value } from './value.ts';

interface InputFormProps {
  readonly schema: Schema;
  readonly initial: Value;
  /** What may be said beside the input, whose errors have a path that begins with this name. */
  readonly extra: { readonly name: string; readonly label: string; readonly schema: Schema };
  /** Rejects with a Failure. */
  readonly onSubmit: (input: Value, extra: Value) => Promise<void>;
}

/** The form of a job type's input, or its JSON. The server alone decides what is valid. */
export function InputForm({ schema, initial, extra, onSubmit }: InputFormProps) {
  const [value, setValue] = useState<Value>(initial ?? {});
  const [beside, setBeside] = useState<Value>();
  /** The JSON being edited; undefined: the form is. */
  const [json, setJson] = useState<string>();
  const [failure, setFailure] = useState<Failure>();
  const [busy, setBusy] = useState(false);
  const form = useRef<HTMLFormElement>(null);
  const parsed = json === undefined ? undefined : parse(json);
  const context = useMemo(
    () => ({ root: schema, Field, issues: new Map(failure?.issues.map(({ key, message }) => [key, message])) }),
    [schema, failure],
  );
  return (
    <form ref={form} class="input-form" noValidate onSubmit={submit}>
      <div class="tabs" role="group" aria-label="How to enter the input">
        <button type="button" aria-pressed={json === undefined} disabled={parsed?.ok === false} onClick={showForm}>
          Form
        </button>
        <button type="button" aria-pressed={json !== undefined} onClick={showJson}>
          JSON
        </button>
      </div>
      {failure !== undefined && <Refusal failure={failure} />}
      <formContext.Provider value={context}>
        {json === undefined && (
          <Field schema={schema} path={[]} label="Input" required value={value} onChange={setValue} />
        )}
        {json !== undefined && (
          <div class="field">
            <label for="input-json">Input as JSON</label>
            <textarea
              id="input-json"
              class="mono"
              rows={16}
              spellcheck={false}
              aria-invalid={parsed?.ok === false}
              value={json}
              onInput={({ currentTarget }) => setJson(currentTarget.value)}
            />
            {parsed?.ok === false && <p class="issue">This is not JSON yet.</p>}
          </div>
        )}
        <Field
          schema={extra.schema}
          path={[extra.name]}
          label={extra.label}
          required={false}
          value={beside}
          onChange={setBeside}
        />
      </formContext.Provider>
      <button type="submit" class="primary" disabled={busy || parsed?.ok === false}>
        {busy ? 'Submitting…' : 'Submit'}
      </button>
    </form>
  );

  function showForm(): void {
    if (parsed?.ok === true) setValue(parsed.value ?? {});
    setJson(undefined);
  }

  function showJson(): void {
    setJson((now) => now ?? JSON.stringify(value, undefined, 2));
  }

  function submit(event: Event): void {
    event.preventDefault();
    setBusy(true);
    onSubmit(parsed?.ok === true ? parsed.value : value, beside).catch((error: unknown) => {
      setFailure(toFailure(error));
      setBusy(false);
      // To what is wrong, when it is shown.
      requestAnimationFrame(() => form.current?.querySelector<HTMLElement>('.notice, [aria-invalid=true]')?.focus());
    });
  }
}

/** What the server refused, with links to the fields. */
function Refusal({ failure: { message, issues } }: { readonly failure: Failure }) {
  return (
    <div class="notice" role="alert" tabIndex={-1}>
      {issues.length === 0 ? (
        <p>{message}</p>
      ) : (
        <>
          <p>This was not accepted.</p>
          <ul>
            {issues.map((issue) => (
              <li key={issue.key + issue.message}>
                <IssueLink issue={issue} />
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function IssueLink({ issue: { key, message } }: { readonly issue: FieldIssue }) {
  const place = key.slice(1).replaceAll('/', '.');
  return (
    <>
      {place !== '' && (
        <button type="button" class="link" onClick={() => document.getElementById(`field${key}`)?.focus()}>
          {place}
        </button>
      )}{' '}
      {message}
    </>
  );
}
