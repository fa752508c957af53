import { statSync } from 'node:fs';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that install and build, which take long however short they are, and which no test should have beside it that waits for a deadline. */
const LONG = /\/test\/(package|deploy)\//;

/** Begins each project with the files that take longest, so that at its end no worker waits for one of them. */
export class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ project, moduleId }: TestSpecification): readonly number[] => [
      project.config.sequence.groupOrder,
      LONG.test(moduleId) ? 0 : 1,
      -statSync(moduleId).size,
    ];
    const ranks = new Map(files.map((file) => [file, rankOf(file)]));
    return files.toSorted((a, b) => compare(ranks.get(a) ?? [], ranks.get(b) ?? []));
  }
}

function compare(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((part, index) => part !== b[index]);
  return differs === -1 ? 0 : (a[differs] ?? 0) - (b[differs] ?? 0);
}
