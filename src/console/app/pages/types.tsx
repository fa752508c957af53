import { usePaths, useSession } from '../context.ts';
import { useTitle } from '../parts/use-title.ts';

/** The job types, and how they do. */
export function TypesPage() {
  useTitle('Job types');
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
            <a href={paths.submit(name)}>Submit</a>
          </section>
        ))}
      </div>
    </>
  );
}
