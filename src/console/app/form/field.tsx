import { FileControl } from './file-control.tsx';
import { JsonControl, NumberControl, TextControl } from './controls.tsx';
import { type ControlProps, type FieldProps, Issue, hintOf, idOf, useForm, useIssue } from './form-context.tsx';
import { ListField, ObjectFields, UnionField } from './groups.tsx';
import { controlOf, resolve } from './schema.ts';

/** A part of the input, entered as its schema asks. */
export function Field(props: FieldProps) {
  const { root } = useForm();
  const schema = resolve(props.schema, root);
  const control = controlOf(schema, root);
  const resolved = { ...props, schema };
  switch (control.kind) {
    case 'object':
      return <ObjectFields {...resolved} fields={control.fields} />;
    case 'list':
      return <ListField {...resolved} item={control.item} />;
    case 'union':
      return <UnionField {...resolved} variants={control.variants} />;
    case 'text':
    case 'number':
    case 'choice':
    case 'boolean':
    case 'file':
    case 'json':
      return <Single {...resolved} />;
  }
}

/** A label, a control, what its author says of it, and what the server does. */
function Single({ schema, path, label, required, value, onChange }: FieldProps) {
  const { root } = useForm();
  const id = idOf(path);
  const issue = useIssue(path);
  const control = controlOf(schema, root);
  const hint = hintOf(schema);
  const describedBy = [hint && `${id}-hint`, issue && `${id}-issue`].filter(Boolean).join(' ') || undefined;
  const shared = { id, value, required, schema, invalid: issue !== undefined, describedBy, onChange };
  return (
    <div class="field">
      <label for={id}>
        {label} {!required && <span class="soft">optional</span>}
      </label>
      {control.kind === 'text' && <TextControl {...shared} format={control.format} long={control.long} />}
      {control.kind === 'number' && <NumberControl {...shared} />}
      {control.kind === 'choice' && <Choice {...shared} values={control.values} />}
      {control.kind === 'boolean' && <Choice {...shared} values={[true, false]} />}
      {control.kind === 'file' && <FileControl {...shared} />}
      {control.kind === 'json' && <JsonControl {...shared} />}
      {hint !== '' && (
        <p id={`${id}-hint`} class="hint">
          {hint}
        </p>
      )}
      <Issue path={path} />
    </div>
  );
}

interface ChoiceProps extends ControlProps {
  readonly values: readonly unknown[];
}

function Choice({ id, value, required, values, invalid, describedBy, onChange }: ChoiceProps) {
  return (
    <select
      id={id}
      required={required}
      aria-invalid={invalid}
      aria-describedby={describedBy}
      value={values.findIndex((each) => each === value)}
      onChange={({ currentTarget }) => onChange(values[Number(currentTarget.value)])}
    >
      <option value={-1}>{required ? 'Choose…' : '–'}</option>
      {values.map((each, index) => (
        <option key={String(each)} value={index}>
          {String(each)}
        </option>
      ))}
    </select>
  );
}
