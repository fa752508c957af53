import type { TargetedInputEvent } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { ControlProps } from './form-context.tsx';
import { toNumber } from './value.ts';

interface TextControlProps extends ControlProps {
  readonly format: string | undefined;
  readonly long: boolean;
}

export function TextControl({ format, long, ...props }: TextControlProps) {
  const { id, value, required, schema, invalid, describedBy, onChange } = props;
  if (format === 'date-time') return <DateTimeControl {...props} />;
  const text = typeof value === 'string' ? value : value === undefined || value === null ? '' : JSON.stringify(value);
  const [example] = schema.examples ?? [];
  const shared = {
    id,
    required,
    'aria-invalid': invalid,
    'aria-describedby': describedBy,
    value: text,
    ...(typeof example === 'string' && { placeholder: example }),
  };
  // An empty text is one, where the field cannot be absent.
  const change = (entered: string): void => onChange(entered === '' && !required ? undefined : entered);
  if (long && format === undefined)
    return <textarea {...shared} rows={3} onInput={({ currentTarget }) => change(currentTarget.value)} />;
  const onInput = ({ currentTarget }: TargetedInputEvent<HTMLInputElement>): void => change(currentTarget.value);
  if (format === 'date') return <input {...shared} type="date" onInput={onInput} />;
  if (format === 'email') return <input {...shared} type="email" onInput={onInput} />;
  return <input {...shared} type="text" onInput={onInput} />;
}

/** Entered in the reader's time zone, sent in UTC. */
function DateTimeControl({ id, value, required, invalid, describedBy, onChange }: ControlProps) {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  const offset = Number.isNaN(at) ? 0 : new Date(at).getTimezoneOffset() * 60_000;
  return (
    <input
      id={id}
      type="datetime-local"
      step="1"
      required={required}
      aria-invalid={invalid}
      aria-describedby={describedBy}
      value={Number.isNaN(at) ? '' : new Date(at - offset).toISOString().slice(0, 19)}
      onInput={({ currentTarget }) =>
        onChange(currentTarget.value === '' ? undefined : new Date(currentTarget.value).toISOString())
      }
    />
  );
}

export function NumberControl({ id, value, required, schema, invalid, describedBy, onChange }: ControlProps) {
  const [text, setText] = useState(() => textOf(value));
  // Set from outside, by JSON or by another job's input.
  useEffect(() => setText((now) => (toNumber(now) === value ? now : textOf(value))), [value]);
  const [example] = schema.examples ?? [];
  return (
    <input
      id={id}
      type="text"
      inputMode="decimal"
      required={required}
      aria-invalid={invalid}
      aria-describedby={describedBy}
      placeholder={typeof example === 'number' ? String(example) : rangeOf(schema)}
      value={text}
      onInput={({ currentTarget }) => {
        setText(currentTarget.value);
        onChange(toNumber(currentTarget.value));
      }}
    />
  );
}

function textOf(value: unknown): string {
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  return value === undefined || value === null ? '' : JSON.stringify(value);
}

function rangeOf({ minimum, maximum }: ControlProps['schema']): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minimum === undefined ? '' : `at least ${minimum}`;
}

/** Any value, as JSON. Text that is not JSON stays in the field, and is sent as a string, which the server refuses. */
export function JsonControl({ id, value, required, invalid, describedBy, onChange }: ControlProps) {
  const [text, setText] = useState(() => (value === undefined ? '' : JSON.stringify(value, undefined, 2)));
  const [isJson, setIsJson] = useState(true);
  return (
    <>
      <textarea
        id={id}
        class="mono"
        rows={4}
        spellcheck={false}
        required={required}
        placeholder="{ }"
        aria-invalid={invalid || !isJson}
        aria-describedby={describedBy}
        value={text}
        onInput={({ currentTarget: { value: entered } }) => {
          setText(entered);
          const parsed = parse(entered);
          setIsJson(parsed.ok);
          onChange(parsed.ok ? parsed.value : entered);
        }}
      />
      {!isJson && <p class="issue">This is not JSON yet.</p>}
    </>
  );
}

/** Undefined for an empty text. */
export function parse(text: string): { readonly ok: true; readonly value: unknown } | { readonly ok: false } {
  if (text.trim() === '') return { ok: true, value: undefined };
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return { ok: false };
  }
}
