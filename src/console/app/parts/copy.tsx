import { useEffect, useState } from 'preact/hooks';
import { CheckIcon, CopyIcon } from './icons.tsx';

interface CopyProps {
  readonly text: string;
  /** What is copied, such as `id`. */
  readonly what: string;
}

export function Copy({ text, what }: CopyProps) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return undefined;
    const timer = setTimeout(() => setCopied(false), 1500);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button type="button" class="quiet" aria-label={`Copy ${what}`} title={`Copy ${what}`} onClick={copy}>
      {copied ? <CheckIcon /> : <CopyIcon />}
      <span class="visually-hidden" role="status">
        {copied ? 'Copied' : ''}
      </span>
    </button>
  );

  function copy(): void {
    copyText(text).then(
      () => setCopied(true),
      () => undefined,
    );
  }
}

/** Pages that are not served over HTTPS have no clipboard, but can copy what is selected. */
async function copyText(text: string): Promise<void> {
  // Absent where the page is not secure, whatever its type says.
  const clipboard = navigator.clipboard as Clipboard | undefined;
  if (clipboard !== undefined) return clipboard.writeText(text);
  const area = document.createElement('textarea');
  area.value = text;
  area.className = 'visually-hidden';
  document.body.append(area);
  area.select();
  document.execCommand('copy');
  area.remove();
}
