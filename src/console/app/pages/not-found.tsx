import { usePaths } from '../context.ts';
import { Empty } from '../parts/notice.tsx';
import { useTitle } from '../parts/use-title.ts';

export function NotFoundPage() {
  useTitle('Not found');
  const paths = usePaths();
  return (
    <Empty title="There is no such page">
      <p>
        <a href={paths.jobs()}>Show the jobs</a>
      </p>
    </Empty>
  );
}
