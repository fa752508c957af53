import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { toFailure } from '../data/failure.ts';
import { formatBytes } from '../format.ts';
import type { ControlProps } from './form-context.tsx';
import { isFields } from './value.ts';

/** Uploads a file at once, and enters its id. */
export function FileControl({ id, value, required, invalid, describedBy, onChange }: ControlProps) {
  const server = useServer();
  const [state, setState] = useState('');
  // That of an earlier job belongs to it.
  const isOther = isFields(value) && Object.keys(value).length !== 1;
  useEffect(() => {
    if (!isOther) return;
    onChange(undefined);
    setState('The file of the earlier job is not sent again: choose it anew.');
  }, [isOther, onChange]);
  return (
    <>
      <input
        id={id}
        type="file"
        required={required}
        aria-invalid={invalid}
        aria-describedby={describedBy}
        onChange={({ currentTarget: { files } }) => void upload(files?.[0])}
      />
      <p class="hint" role="status">
        {state}
      </p>
    </>
  );

  async function upload(file: File | undefined): Promise<void> {
    onChange(undefined);
    setState('');
    if (file === undefined) return;
    setState(`Uploading ${formatBytes(file.size)}…`);
    try {
      onChange({ id: await server.upload(file) });
      setState(`Uploaded ${file.name}, ${formatBytes(file.size)}.`);
    } catch (error) {
      setState(`Not uploaded: ${toFailure(error).message}`);
    }
  }
}
