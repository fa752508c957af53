import { useState } from 'preact/hooks';
import type { Failure } from '../data/failure.ts';
import { useTitle } from '../parts/use-title.ts';

interface SignInProps {
  /** Why the last try was refused. */
  readonly refused: Failure | undefined;
  readonly onSignIn: (credential: string) => void;
}

/** Asks for an API key or a token. */
export function SignIn({ refused, onSignIn }: SignInProps) {
  useTitle('Sign in');
  const [credential, setCredential] = useState('');
  return (
    <main class="sign-in">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          if (credential.trim() !== '') onSignIn(credential.trim());
        }}
      >
        <p class="brand">Accepted</p>
        <h1>Sign in</h1>
        <label>
          API key or token
          {/* No name and no completion: nothing may keep it. */}
          <input
            type="password"
            autoComplete="off"
            spellcheck={false}
            required
            aria-invalid={refused !== undefined}
            aria-describedby="sign-in-note"
            value={credential}
            onInput={(event) => setCredential(event.currentTarget.value)}
            ref={(input) => input?.focus()}
          />
        </label>
        {refused !== undefined && (
          <p class="notice" role="alert">
            {refused.message}
          </p>
        )}
        <button type="submit" class="primary">
          Sign in
        </button>
        <p id="sign-in-note" class="soft">
          It stays in this page’s memory until you close or reload it. Without the scope <code>admin</code>, you see
          your own jobs.
        </p>
      </form>
    </main>
  );
}
