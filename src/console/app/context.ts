import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Session } from '../session.ts';
import type { Server } from './data/server.ts';

/** What all pages work with, once the caller is known. */
export interface Console {
  readonly server: Server;
  readonly session: Session;
  /** The path of the console, without a slash at its end. */
  readonly base: string;
  /** Undefined on a server without authentication. */
  readonly signOut: (() => void) | undefined;
  /** The query of the list that was shown last, to which a job's page leads back. */
  readonly lastList: { current: string };
}

const context = createContext<Console | undefined>(undefined);

export const ConsoleProvider = context.Provider;

export function useConsole(): Console {
  const console = useContext(context);
  if (console === undefined) throw new Error('outside of the console');
  return console;
}

export const useServer = (): Server => useConsole().server;
export const useSession = (): Session => useConsole().session;

/** The paths of the pages. */
export function usePaths() {
  const { base } = useConsole();
  return {
    jobs: (query = '') => `${base}/jobs${query && `?${query}`}`,
    job: (id: string) => `${base}/jobs/${encodeURIComponent(id)}`,
    types: `${base}/types`,
    submit: (type = '', from = '') =>
      `${base}/submit${type && `/${encodeURIComponent(type)}`}${from && `?from=${encodeURIComponent(from)}`}`,
  };
}
