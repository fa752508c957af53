import { formatBytes } from '../format.ts';

interface FileLink {
  readonly url: string;
  readonly name: string;
  readonly size: number;
}

/** So many are linked; all are in the JSON. */
const MAX_LINKS = 100;

/** Links to the files in an input or a result. */
export function FileLinks({ value }: { readonly value: unknown }) {
  const files = filesIn(value, []);
  if (files.length === 0) return null;
  return (
    <ul class="files" aria-label="Files">
      {files.map(({ url, name, size }) => (
        <li key={url}>
          <a href={url} target="_blank" rel="noreferrer">
            {name}
          </a>{' '}
          <span class="soft">{formatBytes(size)}</span>
        </li>
      ))}
    </ul>
  );
}

function filesIn(value: unknown, found: FileLink[]): FileLink[] {
  if (typeof value !== 'object' || value === null || found.length === MAX_LINKS) return found;
  if (isFileLink(value)) found.push(value);
  else for (const part of Object.values(value)) filesIn(part, found);
  return found;
}

/** What `fileRef()` shows. Any JSON may look like it, so that nothing but http is linked. */
function isFileLink(value: object): value is FileLink {
  if (!('url' in value && 'name' in value && 'size' in value && 'sha256' in value && 'contentType' in value))
    return false;
  const { url, name, size } = value;
  return typeof url === 'string' && /^https?:/.test(url) && typeof name === 'string' && typeof size === 'number';
}
