import type { ComponentChildren } from 'preact';
import type { Failure } from '../data/failure.ts';

/** A page or a list without content, and what to do about it. */
export function Empty({ title, children }: { readonly title: string; readonly children?: ComponentChildren }) {
  return (
    <div class="empty">
      <h2>{title}</h2>
      {children}
    </div>
  );
}

/** What the server refused. */
export function FailureNotice({ failure }: { readonly failure: Failure }) {
  return (
    <p class="notice" role="alert">
      {failure.message} {failure.code !== '' && <code>{failure.code}</code>}
    </p>
  );
}

/** Says whether changes arrive, calmly: what is shown stays, and the page reconnects by itself. */
export function LiveState({ live }: { readonly live: boolean }) {
  return (
    <span class={`live ${live ? 'on' : 'off'}`} role="status">
      <span class="dot" aria-hidden="true" />
      {live ? 'Live' : 'Reconnecting…'}
    </span>
  );
}
