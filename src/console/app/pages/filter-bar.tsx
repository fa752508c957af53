import { useLocation } from 'preact-iso';
import type { Ref } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { usePaths, useSession } from '../context.ts';
import { type JobFilter, NO_FILTER, STATUSES, isFiltered } from '../data/job-filter.ts';
import { STATUS_SHAPES } from '../parts/icons.tsx';
import { STATUS_NAMES } from '../parts/status.tsx';

interface FilterBarProps {
  readonly filter: JobFilter;
  readonly onChange: (filter: JobFilter) => void;
  readonly formRef: Ref<HTMLFormElement>;
}

/** Milliseconds after the last key press before a text filters. */
const TYPING_MS = 300;

const PERIODS = [
  ['', 'Any time'],
  ['15m', 'Last 15 minutes'],
  ['1h', 'Last hour'],
  ['24h', 'Last 24 hours'],
  ['7d', 'Last 7 days'],
] as const;
const CUSTOM = 'custom';

/** What the list shows; the URL keeps it. */
export function FilterBar({ filter, onChange, formRef }: FilterBarProps) {
  const { jobTypes, scopes, caller: self } = useSession();
  const change = (part: { readonly [Name in keyof JobFilter]?: JobFilter[Name] | undefined }): void => {
    const { type, statuses, caller, tag, from, to } = { ...filter, ...part };
    onChange({
      statuses: statuses ?? [],
      ...(type && { type }),
      ...(caller && { caller }),
      ...(tag && { tag }),
      ...(from && { from }),
      ...(to && { to }),
    });
  };
  return (
    <form
      class="filter"
      ref={formRef}
      role="search"
      aria-label="Filter"
      onSubmit={(event) => event.preventDefault()}
      onKeyDown={(event) => {
        if (event.key === 'Escape' && event.target instanceof HTMLElement) event.target.blur();
      }}
    >
      <FindById />
      <label>
        <span class="visually-hidden">Type</span>
        <select value={filter.type ?? ''} onChange={(event) => change({ type: event.currentTarget.value })}>
          <option value="">All types</option>
          {jobTypes.map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </select>
      </label>
      {self !== undefined && scopes.includes('admin') && (
        <TextFilter label="Caller" value={filter.caller ?? ''} onChange={(caller) => change({ caller })} />
      )}
      <TextFilter label="Tag" value={filter.tag ?? ''} onChange={(tag) => change({ tag })} />
      <Period filter={filter} onChange={change} />
      <fieldset class="chips">
        <legend class="visually-hidden">Status</legend>
        {STATUSES.map((status) => {
          const isOn = filter.statuses.includes(status);
          const others = filter.statuses.filter((each) => each !== status);
          return (
            <button
              key={status}
              type="button"
              class={`chip ${status.toLowerCase()}`}
              aria-pressed={isOn}
              onClick={() =>
                change({ statuses: STATUSES.filter((each) => (isOn ? others : [...others, status]).includes(each)) })
              }
            >
              {STATUS_SHAPES[status]}
              {STATUS_NAMES[status]}
            </button>
          );
        })}
      </fieldset>
      {isFiltered(filter) && (
        <button type="button" class="link" onClick={() => onChange(NO_FILTER)}>
          Clear
        </button>
      )}
    </form>
  );
}

/** Opens a job whose id is at hand, from a log or a message. */
function FindById() {
  const paths = usePaths();
  const { route } = useLocation();
  const [id, setId] = useState('');
  return (
    <label class="grow">
      <span class="visually-hidden">Open a job by its id</span>
      <input
        type="search"
        placeholder="Open a job by its id"
        spellcheck={false}
        value={id}
        onInput={(event) => setId(event.currentTarget.value)}
        onKeyDown={(event) => {
          if (event.key === 'Enter' && id.trim() !== '') route(paths.job(id.trim()));
        }}
      />
    </label>
  );
}

interface TextFilterProps {
  readonly label: string;
  readonly value: string;
  readonly onChange: (value: string) => void;
}

function TextFilter({ label, value, onChange }: TextFilterProps) {
  const [text, setText] = useState(value);
  useEffect(() => setText(value), [value]);
  useEffect(() => {
    if (text.trim() === value) return undefined;
    const timer = setTimeout(() => onChange(text.trim()), TYPING_MS);
    return () => clearTimeout(timer);
  });
  return (
    <label>
      <span class="visually-hidden">{label}</span>
      <input
        type="search"
        placeholder={label}
        spellcheck={false}
        value={text}
        onInput={(event) => setText(event.currentTarget.value)}
      />
    </label>
  );
}

interface PeriodProps {
  readonly filter: JobFilter;
  readonly onChange: (part: { readonly from?: string | undefined; readonly to?: string | undefined }) => void;
}

function Period({ filter: { from = '', to = '' }, onChange }: PeriodProps) {
  const isKnown = to === '' && PERIODS.some(([period]) => period === from);
  const [custom, setCustom] = useState(!isKnown);
  const isCustom = custom || !isKnown;
  return (
    <>
      <label>
        <span class="visually-hidden">Created</span>
        <select
          value={isCustom ? CUSTOM : from}
          onChange={({ currentTarget: { value } }) => {
            setCustom(value === CUSTOM);
            onChange(value === CUSTOM ? { from: undefined, to: undefined } : { from: value, to: undefined });
          }}
        >
          {PERIODS.map(([period, name]) => (
            <option key={period} value={period}>
              {name}
            </option>
          ))}
          <option value={CUSTOM}>Between…</option>
        </select>
      </label>
      {isCustom && (
        <>
          <TimeFilter label="Created from" value={from} onChange={(value) => onChange({ from: value, to })} />
          <TimeFilter label="Created before" value={to} onChange={(value) => onChange({ from, to: value })} />
        </>
      )}
    </>
  );
}

function TimeFilter({ label, value, onChange }: TextFilterProps) {
  return (
    <label>
      <span class="visually-hidden">{label}</span>
      <input
        type="datetime-local"
        title={label}
        value={toLocal(value)}
        onChange={({ currentTarget }) =>
          onChange(currentTarget.value === '' ? '' : new Date(currentTarget.value).toISOString())
        }
      />
    </label>
  );
}

/** A time as fields for the reader's time zone have it. */
function toLocal(time: string): string {
  const at = Date.parse(time);
  if (Number.isNaN(at)) return '';
  return new Date(at - new Date(at).getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
