import { usePaths, useSession } from '../context.ts';
import { type TypeStats, useTypes } from '../data/use-types.ts';
import { formatCount } from '../format.ts';
import { STATUS_SHAPES } from '../parts/icons.tsx';
import { FailureNotice, LiveState } from '../parts/notice.tsx';
import { useTitle } from '../parts/use-title.ts';
import { TypeCard } from './type-card.tsx';

/** The job types, and for admins how they do. */
export function TypesPage() {
  useTitle('Job types');
  return useSession().scopes.includes('admin') ? <AllTypes /> : <KnownTypes />;
}

function AllTypes() {
  const { types, failure, live, show } = useTypes();
  return (
    <>
      <header class="page-head">
        <h1>Job types</h1>
        <LiveState live={live && failure === undefined} />
      </header>
      {failure !== undefined && <FailureNotice failure={failure} />}
      {types !== undefined && <Failing types={types} />}
      {types === undefined && failure === undefined && <p class="soft loading">Loading…</p>}
      <div class="cards">
        {types?.map((type) => (
          <TypeCard key={type.name} type={type} onChange={show} />
        ))}
      </div>
    </>
  );
}

/** Where to look first when jobs fail. */
function Failing({ types }: { readonly types: readonly TypeStats[] }) {
  const paths = usePaths();
  const failing = types
    .filter(({ lastHour }) => lastHour.failed > 0)
    .toSorted((one, other) => other.lastHour.failed - one.lastHour.failed);
  if (failing.length === 0) return null;
  return (
    <nav class="failing" aria-label="Failed in the last hour">
      <span>Failed in the last hour</span>
      {failing.map(({ name, lastHour: { failed } }) => (
        <a key={name} href={paths.jobs(`type=${name}&status=failed&from=1h`)}>
          {STATUS_SHAPES.FAILED}
          {name} <strong>{formatCount(failed)}</strong>
        </a>
      ))}
    </nav>
  );
}

/** What any caller may know. */
function KnownTypes() {
  const { jobTypes } = useSession();
  const paths = usePaths();
  return (
    <>
      <header class="page-head">
        <h1>Job types</h1>
      </header>
      <div class="cards">
        {jobTypes.map(({ name, description }) => (
          <section key={name} class="panel" aria-label={name}>
            <h2>{name}</h2>
            <p class="soft">{description}</p>
            <p class="row">
              <a href={paths.submit(name)}>Submit</a>
              <a href={paths.jobs(`type=${name}`)}>Jobs</a>
            </p>
          </section>
        ))}
      </div>
      <p class="soft">Counts, throughput and pausing are for callers with the scope admin.</p>
    </>
  );
}
