import type { ComponentChildren } from 'preact';
import { useRef } from 'preact/hooks';
import { type FieldProps, Issue, hintOf, idOf, useForm, useIssue } from './form-context.tsx';
import type { ObjectField, Schema, Variant } from './schema.ts';
import { isFields, variantOf, withField } from './value.ts';

interface GroupProps {
  readonly props: FieldProps;
  readonly children: ComponentChildren;
}

/** Fields that belong together. The whole input needs no frame. */
function Group({ props: { path, label, required, schema, value, onChange }, children }: GroupProps) {
  if (path.length === 0) return <>{children}</>;
  const isAbsent = value === undefined || value === null;
  const hint = hintOf(schema);
  return (
    <fieldset id={idOf(path)} tabIndex={-1}>
      <legend>
        {label} {!required && <span class="soft">optional</span>}
      </legend>
      {hint !== '' && <p class="hint">{hint}</p>}
      {!isAbsent && children}
      {isAbsent && (
        <button type="button" aria-label={`Add ${label}`} onClick={() => onChange(emptyOf(schema))}>
          Add
        </button>
      )}
      {!isAbsent && !required && (
        <button type="button" class="link" aria-label={`Leave out ${label}`} onClick={() => onChange(undefined)}>
          Leave out
        </button>
      )}
      <Issue path={path} />
    </fieldset>
  );
}

function emptyOf({ type }: Schema): unknown {
  return type === 'array' || (Array.isArray(type) && type.includes('array')) ? [] : {};
}

interface ObjectFieldsProps extends FieldProps {
  readonly fields: readonly ObjectField[];
  /** Fields that are not entered. */
  readonly fixed?: ReadonlySet<string>;
}

export function ObjectFields({ fields, fixed, ...props }: ObjectFieldsProps) {
  const { Field } = useForm();
  // A required object is there from the start.
  const value = props.required && !isFields(props.value) ? {} : props.value;
  return (
    <Group props={{ ...props, value }}>
      {fields
        .filter(({ name }) => fixed?.has(name) !== true)
        .map(({ name, schema, required }) => (
          <Field
            key={name}
            schema={schema}
            path={[...props.path, name]}
            label={name}
            required={required}
            value={isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined}
            onChange={(field) => props.onChange(withField(value, name, field))}
          />
        ))}
    </Group>
  );
}

interface ListFieldProps extends FieldProps {
  readonly item: Schema;
}

export function ListField({ item, ...props }: ListFieldProps) {
  const { Field } = useForm();
  const value: readonly unknown[] | undefined = Array.isArray(props.value) ? props.value : undefined;
  const items = value ?? [];
  /** Items keep their fields when others are removed. */
  const keys = useRef<number[]>([]);
  const next = useRef(0);
  while (keys.current.length < items.length) keys.current.push(next.current++);
  keys.current.length = items.length;
  const replace = (index: number, changed: unknown): void =>
    props.onChange(items.map((each, at) => (at === index ? (changed ?? null) : each)));
  const remove = (index: number): void => {
    keys.current.splice(index, 1);
    props.onChange(items.filter((_, at) => at !== index));
  };
  return (
    <Group props={{ ...props, value: value ?? (props.required ? [] : props.value) }}>
      {items.map((each, index) => (
        <div key={keys.current[index]} class="item">
          <Field
            schema={item}
            path={[...props.path, index]}
            label={`${props.label} ${index + 1}`}
            required
            value={each ?? undefined}
            onChange={(changed) => replace(index, changed)}
          />
          <button
            type="button"
            class="link"
            aria-label={`Remove ${props.label} ${index + 1}`}
            onClick={() => remove(index)}
          >
            Remove
          </button>
        </div>
      ))}
      <button
        type="button"
        aria-label={`Add to ${props.label}`}
        onClick={() => props.onChange([...items, item.type === 'object' || item.$ref !== undefined ? {} : null])}
      >
        Add
      </button>
    </Group>
  );
}

interface UnionFieldProps extends FieldProps {
  readonly variants: readonly Variant[];
}

/** One of several kinds of objects. */
export function UnionField({ variants, ...props }: UnionFieldProps) {
  const { Field } = useForm();
  const { path, label, required, value, onChange } = props;
  const variant = variantOf(value, variants);
  const issue = useIssue(path);
  const id = idOf(path);
  const fields = Object.entries(variant?.schema.properties ?? {}).map(([name, schema]) => ({
    name,
    schema,
    required: variant?.schema.required?.includes(name) ?? false,
  }));
  const hint = hintOf(props.schema);
  return (
    <fieldset>
      <legend>
        {label} {!required && <span class="soft">optional</span>}
      </legend>
      {hint !== '' && <p class="hint">{hint}</p>}
      <select
        id={id}
        aria-label={`Kind of ${label}`}
        aria-invalid={issue !== undefined}
        value={variant === undefined ? -1 : variants.indexOf(variant)}
        onChange={({ currentTarget }) => {
          const chosen = variants[Number(currentTarget.value)];
          onChange(chosen && { ...chosen.tags });
        }}
      >
        <option value={-1}>{required ? 'Choose…' : '–'}</option>
        {variants.map(({ name }, index) => (
          <option key={name} value={index}>
            {name}
          </option>
        ))}
      </select>
      <Issue path={path} />
      {variant !== undefined &&
        fields
          .filter(({ name }) => !Object.hasOwn(variant.tags, name))
          .map(({ name, schema, required: needed }) => (
            <Field
              key={`${variant.name} ${name}`}
              schema={schema}
              path={[...path, name]}
              label={name}
              required={needed}
              value={isFields(value) && Object.hasOwn(value, name) ? value[name] : undefined}
              onChange={(field) => onChange(withField(value, name, field))}
            />
          ))}
    </fieldset>
  );
}
