import { usePaths, useSession } from '../context.ts';
import { useTypes } from '../data/use-types.ts';
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
      {types === undefined && failure === undefined && <p class="soft loading">Loading…</p>}
      <div class="cards">
        {types?.map((type) => (
          <TypeCard key={type.name} type={type} onChange={show} />
        ))}
      </div>
    </>
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
