/** What a server says at `GET /metrics`. */
export interface Scraped {
  readonly text: string;
  /** Names of all metrics, as in `# TYPE`. */
  readonly names: ReadonlySet<string>;
  /** The sum of the samples that have these labels, among others. */
  sum(name: string, labels?: Readonly<Record<string, string>>): number;
}

const SAMPLE = /^(\w+)(?:\{(.*)\})? (\S+)$/;

export function parseMetrics(text: string): Scraped {
  const samples = text.split('\n').flatMap((line) => {
    const [, name = '', labels = '', value = ''] = SAMPLE.exec(line) ?? [];
    if (name === '') return [];
    const pairs = [...labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)].map(([, label = '', of = '']) => [label, of]);
    return [{ name, labels: new Map(pairs as [string, string][]), value: Number(value) }];
  });
  return {
    text,
    names: new Set([...text.matchAll(/^# TYPE (\w+)/gm)].map(([, name = '']) => name)),
    sum: (name, labels = {}) =>
      samples
        .filter((each) => each.name === name)
        .filter((each) => Object.entries(labels).every(([label, of]) => each.labels.get(label) === of))
        .reduce((sum, { value }) => sum + value, 0),
  };
}

export async function scrape(url: string, headers: Record<string, string> = {}): Promise<Scraped> {
  const reply = await fetch(`${url}/metrics`, { headers });
  if (!reply.ok) throw new Error(`/metrics replied with ${reply.status}`);
  return parseMetrics(await reply.text());
}
