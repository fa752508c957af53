import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { useEffect, useRef, useState } from 'preact/hooks';
import { useConsole, usePaths } from './context.ts';
import { Dialog } from './parts/dialog.tsx';
import { HelpIcon, JobsIcon, MoonIcon, SubmitIcon, SunIcon, TypesIcon } from './parts/icons.tsx';
import { useKeys } from './parts/use-keys.ts';
import { currentTheme, switchTheme } from './theme.ts';

/** What is around each page: where to go, who is signed in, and help. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const { session, base, signOut } = useConsole();
  const paths = usePaths();
  const { path, route } = useLocation();
  const [theme, setTheme] = useState(currentTheme);
  const [help, setHelp] = useState(false);
  useKeys({
    '?': () => setHelp(true),
    g: () => route(paths.jobs()),
    t: () => route(paths.types),
    n: () => route(paths.submit()),
  });
  const main = useRef<HTMLElement>(null);
  useFocusOnPage(main, path);

  const here = path.slice(base.length);
  const otherTheme = theme === 'dark' ? 'light' : 'dark';
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="side">
        <a class="brand" href={paths.jobs()}>
          Accepted
        </a>
        <nav aria-label="Pages">
          <a href={paths.jobs()} aria-current={current(here === '' || here.startsWith('/jobs'))}>
            <JobsIcon /> Jobs
          </a>
          <a href={paths.types} aria-current={current(here === '/types')}>
            <TypesIcon /> Job types
          </a>
          <a href={paths.submit()} aria-current={current(here.startsWith('/submit'))}>
            <SubmitIcon /> Submit
          </a>
        </nav>
        <div class="tools">
          {session.graphiql && <a href={base.replace(/console$/, 'graphql')}>GraphiQL</a>}
          {session.docs && <a href={base.replace(/console$/, 'docs')}>API reference</a>}
          <div class="row">
            <button
              type="button"
              class="quiet"
              aria-label={`Switch to ${otherTheme}`}
              title={`Switch to ${otherTheme}`}
              onClick={() => setTheme(switchTheme())}
            >
              {theme === 'dark' ? <SunIcon /> : <MoonIcon />}
            </button>
            <button type="button" class="quiet" aria-label="Help" title="Help (?)" onClick={() => setHelp(true)}>
              <HelpIcon />
            </button>
          </div>
          {signOut !== undefined && (
            <div class="who">
              <span class="clip" title={session.scopes.join(', ')}>
                {session.caller}
              </span>
              <button type="button" class="link" onClick={signOut}>
                Sign out
              </button>
            </div>
          )}
        </div>
      </header>
      <main id="main" ref={main} tabIndex={-1}>
        {children}
      </main>
      {help && <Help onClose={() => setHelp(false)} />}
    </>
  );
}

function current(isHere: boolean): 'page' | undefined {
  return isHere ? 'page' : undefined;
}

/** Those who hear the page are told of a new one: the focus goes to its content. The first keeps its own order. */
function useFocusOnPage(main: { readonly current: HTMLElement | null }, path: string): void {
  const before = useRef(path);
  useEffect(() => {
    if (before.current === path) return;
    before.current = path;
    main.current?.focus({ preventScroll: true });
  }, [main, path]);
}

const KEYS = [
  ['j', 'Next job'],
  ['k', 'Previous job'],
  ['Enter', 'Open the job'],
  ['/', 'Filter'],
  ['Esc', 'Leave a field or a dialog, go back to the list'],
  ['g', 'Jobs'],
  ['t', 'Job types'],
  ['n', 'Submit a job'],
  ['?', 'This help'],
] as const;

function Help({ onClose }: { readonly onClose: () => void }) {
  return (
    <Dialog title="Keyboard" onClose={onClose}>
      <dl class="keys">
        {KEYS.map(([key, what]) => (
          <div key={key}>
            <dt>
              <kbd>{key}</kbd>
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
    </Dialog>
  );
}
