import { type ComponentType, createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { pathKey } from '../data/failure.ts';
import type { Schema } from './schema.ts';
import type { Value } from './value.ts';

export type Path = readonly (string | number)[];

export interface FieldProps {
  readonly schema: Schema;
  readonly path: Path;
  /** What it is called. */
  readonly label: string;
  readonly required: boolean;
  readonly value: Value;
  readonly onChange: (value: Value) => void;
}

/** What a single control gets. */
export interface ControlProps {
  readonly id: string;
  readonly value: Value;
  readonly required: boolean;
  readonly schema: Schema;
  readonly invalid: boolean;
  readonly describedBy: string | undefined;
  readonly onChange: (value: Value) => void;
}

/** What all fields of a form share. */
interface FormContext {
  readonly root: Schema;
  /** What the server said of each field, by `pathKey`. */
  readonly issues: ReadonlyMap<string, string>;
  /** Shows any field; groups have some in them, and each field may be a group. */
  readonly Field: ComponentType<FieldProps>;
}

export const formContext = createContext<FormContext | undefined>(undefined);

export function useForm(): FormContext {
  const form = useContext(formContext);
  if (form === undefined) throw new Error('outside of a form');
  return form;
}

export function idOf(path: Path): string {
  return `field${pathKey(path)}`;
}

export function useIssue(path: Path): string | undefined {
  return useForm().issues.get(pathKey(path));
}

export function Issue({ path }: { readonly path: Path }) {
  const issue = useIssue(path);
  if (issue === undefined) return null;
  return (
    <p id={`${idOf(path)}-issue`} class="issue">
      {issue}
    </p>
  );
}

export function hintOf({ description, default: standard }: Schema): string {
  const parts = [
    description,
    standard !== undefined && `Default: ${typeof standard === 'string' ? standard : JSON.stringify(standard)}.`,
  ];
  return parts.filter(Boolean).join(' ');
}
