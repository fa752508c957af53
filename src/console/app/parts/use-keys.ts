import { useEffect } from 'preact/hooks';

const EDITABLE = 'input, textarea, select, [contenteditable]';

/** Calls the handler of a key that is pressed outside of fields and dialogs. */
export function useKeys(handlers: Readonly<Record<string, (event: KeyboardEvent) => void>>): void {
  useEffect(() => {
    const listen = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
      if (!(event.target instanceof Element) || event.target.closest(EDITABLE) !== null) return;
      if (document.querySelector('dialog[open]') !== null) return;
      const handler = Object.hasOwn(handlers, event.key) ? handlers[event.key] : undefined;
      if (handler === undefined) return;
      event.preventDefault();
      handler(event);
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  });
}
