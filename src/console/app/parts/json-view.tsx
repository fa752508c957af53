import { useMemo, useState } from 'preact/hooks';
import { formatPlural } from '../format.ts';
import { Copy } from './copy.tsx';

/** Characters that are shown before `Show all`. */
const SHOWN = 4000;

interface JsonViewProps {
  readonly value: unknown;
  /** What it is, such as `input`. */
  readonly what: string;
}

/** A value as JSON, of which large ones show their beginning. */
export function JsonView({ value, what }: JsonViewProps) {
  const text = useMemo(() => JSON.stringify(value, undefined, 2), [value]);
  const [all, setAll] = useState(false);
  const isLong = text.length > SHOWN;
  const shown = all || !isLong ? text : text.slice(0, SHOWN);
  return (
    <div class="json">
      <Copy text={text} what={what} />
      {/* It may scroll, which the keyboard has to reach. */}
      <pre tabIndex={0}>
        {/* Colours for what is read at a glance, not for megabytes. */}
        {shown.length > SHOWN ? shown : <Colored text={shown} />}
        {shown.length < text.length && '…'}
      </pre>
      {isLong && (
        <button type="button" onClick={() => setAll(!all)}>
          {all ? 'Show less' : `Show all ${formatPlural(text.length, 'character')}`}
        </button>
      )}
    </div>
  );
}

const TOKEN = /("(?:[^"\\]|\\.)*")(\s*:)?|\b(?:true|false|null)\b|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;

function Colored({ text }: { readonly text: string }) {
  const parts = [];
  let end = 0;
  for (const match of text.matchAll(TOKEN)) {
    const [token, string, colon = ''] = match;
    parts.push(text.slice(end, match.index));
    const kind = string === undefined ? 'value' : colon === '' ? 'string' : 'key';
    parts.push(
      <span key={match.index} class={`json-${kind}`}>
        {string ?? token}
      </span>,
      colon,
    );
    end = match.index + token.length;
  }
  return (
    <code>
      {parts}
      {text.slice(end)}
    </code>
  );
}
