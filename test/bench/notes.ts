import { availableParallelism } from 'node:os';

/** What one has to know of a measure's figures, by how their paths begin. */
const NOTES: readonly { readonly begins: string; readonly text: string }[] = [
  {
    begins: 'growth',
    text: 'All jobs in the store are pending: no worker runs. Each size has a Redis and a process of the API of its own, and they take three turns. Polls go to 20,000 jobs of the whole store, or to all that there are, in turn; what is canceled lies evenly over it.',
  },
  {
    begins: 'watchers',
    text: 'Each watcher follows a pending job of its own, over one process of the API. Memory is read after a garbage collection. What is resident has room that the start left, so what each watcher takes is told of a thousand and more.',
  },
  {
    begins: 'processes',
    text: `Processes of \`start:api\` on one Redis, each on a port of its own with its share of the connections, in three turns. They, Redis and the load generators share the ${availableParallelism()} cores of this machine: where the CPU of all that a request takes, times the requests per second, comes near to so many seconds, the machine is at its end and not the processes. The CPU that a request takes of the API says what one more core would bring.`,
  },
];

/** What is to be said before a path: once, before the first of its measure. */
export function notesBefore(path: string, earlier: readonly string[]): string[] {
  return NOTES.filter(({ begins }) => path.startsWith(begins))
    .filter(({ begins }) => !earlier.some((other) => other.startsWith(begins)))
    .map(({ text }) => text);
}
