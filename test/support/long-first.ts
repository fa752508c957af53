import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that start processes, browsers or images, which take long however short they are. */
const LONG = /\/test\/(package|deploy|process|browser)\//;

/** Begins with the files that take longest, so that at the end no worker waits for one of them. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const byProject = Map.groupBy(await super.sort(files), ({ project }) => project);
    return [...byProject.values()].flatMap((ofProject) => {
      const [long, short] = [true, false].map((isLong) =>
        ofProject.filter(({ moduleId }) => LONG.test(moduleId) === isLong),
      );
      return [...(long ?? []), ...(short ?? [])];
    });
  }
}
