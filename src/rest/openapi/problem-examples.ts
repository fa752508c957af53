import { PROBLEMS, type ProblemName } from '../../core/errors.ts';
import { type Urls, createUrls } from '../../core/urls.ts';
import { PROBLEM_EXPLANATIONS } from '../pages/problem-explanations.ts';
import type { Example } from './types.ts';

const EXTRA_MEMBERS: Readonly<Partial<Record<ProblemName, object>>> = {
  'invalid-input': {
    instance: '/api/customers',
    errors: [{ pointer: '#/customername', detail: 'Invalid input: expected string, received undefined' }],
  },
  'internal-error': { errorId: '5f0c2c0e-6c8e-4b53-9a3c-0f3f5f7c8f11' },
};

/** The body of one problem of this type. */
export function problemExample(name: ProblemName, urls: Urls): object {
  const { status, title } = PROBLEMS[name];
  const detail = PROBLEM_EXPLANATIONS[name].example;
  return { type: urls.problem(name), title, status, detail, ...EXTRA_MEMBERS[name] };
}

/** `components/examples`: one problem of each type. */
export function problemExamples(): Record<string, Example> {
  const urls = createUrls('http://localhost:4000');
  // The table's keys are its names.
  const names = Object.keys(PROBLEMS) as ProblemName[];
  return Object.fromEntries(
    names.map((name) => [name, { summary: PROBLEMS[name].title, value: problemExample(name, urls) }]),
  );
}
