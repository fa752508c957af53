import { useEffect, useState } from 'preact/hooks';
import { useServer } from '../context.ts';
import { JobOutputDocument, type JobOutputSubscription } from './generated/graphql.ts';
import { follow } from './stream.ts';

type Piece = JobOutputSubscription['jobOutput'];

/** Texts that follow each other, a value that is no text, or the beginning of a further run. */
export type OutputPart = { readonly key: number } & (
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'json'; readonly text: string }
  | { readonly kind: 'attempt'; readonly attempt: number }
);

export interface SeenOutput {
  readonly parts: readonly OutputPart[];
  /** Whether earlier parts are left out. */
  readonly isCut: boolean;
}

const NOTHING: SeenOutput = { parts: [], isCut: false };
/** A page shows the end of a long output: so many parts, and so many characters of text in one. */
const MAX_PARTS = 500;
const MAX_CHARACTERS = 100_000;
/** Milliseconds between two changes of the page. */
const SHOW_MS = 100;

/** The output of a job as it comes. @param done of the job: a retried one is followed again */
export function useOutput(id: string, done: boolean): SeenOutput {
  const server = useServer();
  const [output, setOutput] = useState<SeenOutput>(NOTHING);
  /** Of the last piece; in an object that a reconnection reads. */
  const [last] = useState({ sequence: 0 });

  useEffect(() => {
    let pieces: Piece[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const show = (): void => {
      timer = undefined;
      const added = pieces;
      pieces = [];
      setOutput((seen) => withPieces(seen, added));
    };
    const variables = {
      id,
      get after() {
        return last.sequence;
      },
    };
    const stop = follow(server, JobOutputDocument, variables, {
      onValue({ jobOutput }) {
        last.sequence = jobOutput.sequence;
        pieces.push(jobOutput);
        timer ??= setTimeout(show, SHOW_MS);
      },
      onLive: () => undefined,
      // The page says of the job itself what keeps it from being followed.
      onEnd: () => undefined,
    });
    return () => {
      stop();
      clearTimeout(timer);
      show();
    };
  }, [server, id, done, last]);
  return output;
}

function withPieces({ parts, isCut }: SeenOutput, pieces: readonly Piece[]): SeenOutput {
  if (pieces.length === 0) return { parts, isCut };
  const shown = [...parts];
  let cut = isCut;
  for (const piece of pieces) {
    const part = toPart(piece);
    const before = shown.at(-1);
    if (part.kind === 'text' && before?.kind === 'text') {
      const text = before.text + part.text;
      cut ||= text.length > MAX_CHARACTERS;
      shown[shown.length - 1] = { ...before, text: text.slice(-MAX_CHARACTERS) };
    } else shown.push(part);
  }
  return { parts: shown.slice(-MAX_PARTS), isCut: cut || shown.length > MAX_PARTS };
}

function toPart({ sequence: key, kind, attempt, value }: Piece): OutputPart {
  if (kind === 'ATTEMPT') return { key, kind: 'attempt', attempt };
  return typeof value === 'string'
    ? { key, kind: 'text', text: value }
    : { key, kind: 'json', text: JSON.stringify(value) };
}
