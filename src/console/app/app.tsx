import { LocationProvider, Route, Router } from 'preact-iso';
import { useCallback, useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Session } from '../session.ts';
import { ConsoleProvider } from './context.ts';
import { type Failure, toFailure } from './data/failure.ts';
import { createServer } from './data/server.ts';
import { JobPage } from './pages/job.tsx';
import { JobsPage } from './pages/jobs.tsx';
import { NotFoundPage } from './pages/not-found.tsx';
import { SignIn } from './pages/sign-in.tsx';
import { SubmitPage } from './pages/submit.tsx';
import { TypesPage } from './pages/types.tsx';
import { FailureNotice } from './parts/notice.tsx';
import { Shell } from './shell.tsx';

const UNAUTHENTICATED = 'unauthenticated';

/** Signs the caller in where the server wants that, and shows the pages. */
export function App({ root }: { readonly root: URL }) {
  /** In memory alone: it is gone with the page. */
  const [credential, setCredential] = useState<string>();
  const [session, setSession] = useState<Session>();
  const [failure, setFailure] = useState<Failure>();

  const leave = useCallback(() => setSession(undefined), []);
  const server = useMemo(() => createServer(root, credential, leave), [root, credential, leave]);
  const base = `${root.pathname}console`;

  const begin = useCallback(() => {
    setFailure(undefined);
    server.session().then(setSession, (error: unknown) => setFailure(toFailure(error)));
  }, [server]);
  useEffect(begin, [begin]);

  const signOut = useCallback(() => {
    setCredential(undefined);
    setSession(undefined);
  }, []);

  const lastList = useRef('');
  const context = useMemo(
    () => session && { server, session, base, signOut: session.caller === undefined ? undefined : signOut, lastList },
    [server, session, base, signOut],
  );

  if (context === undefined) {
    if (failure?.code === UNAUTHENTICATED || (failure === undefined && credential !== undefined))
      return <SignIn refused={credential === undefined ? undefined : failure} onSignIn={signIn} />;
    return <Begin failure={failure} onRetry={begin} />;
  }
  return (
    <ConsoleProvider value={context}>
      <LocationProvider scope={base}>
        <Shell>
          <Router>
            <Route path={base} component={JobsPage} />
            <Route path={`${base}/jobs`} component={JobsPage} />
            <Route path={`${base}/jobs/:id`} component={JobPage} />
            <Route path={`${base}/types`} component={TypesPage} />
            <Route path={`${base}/submit/:type?`} component={SubmitPage} />
            <Route default component={NotFoundPage} />
          </Router>
        </Shell>
      </LocationProvider>
    </ConsoleProvider>
  );

  function signIn(entered: string): void {
    if (entered === credential) begin();
    else setCredential(entered);
  }
}

/** Before the server has answered, and when it does not. */
function Begin({ failure, onRetry }: { readonly failure: Failure | undefined; readonly onRetry: () => void }) {
  if (failure === undefined) return <p class="begin soft">Loading…</p>;
  return (
    <main class="begin">
      <h1>The console cannot start</h1>
      <FailureNotice failure={failure} />
      <button type="button" class="primary" onClick={onRetry}>
        Try again
      </button>
    </main>
  );
}
