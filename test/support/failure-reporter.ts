import { stripVTControlCharacters } from 'node:util';
import type { Reporter, SerializedError, TestModule } from 'vitest/node';

/** Lines of a message that are repeated. */
const LINES = 12;

/** Repeats the names and messages of failures as the last lines of a run, where the end of a long log shows them. */
export class FailureReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const lines = [
      ...modules.flatMap(failuresOf),
      ...unhandledErrors.flatMap((error) => describe('no test: an unhandled error', error)),
    ];
    if (lines.length > 0) process.stdout.write(`\nFailed:\n${lines.join('\n')}\n`);
  }
}

/** Failures of the module itself, of hooks, and of tests. */
function failuresOf(module: TestModule): string[] {
  const suites = [module, ...module.children.allSuites()].flatMap((suite) =>
    suite.errors().flatMap((error) => describe(module.relativeModuleId, error)),
  );
  const tests = [...module.children.allTests('failed')].flatMap((test) =>
    (test.result().errors ?? []).flatMap((error) => describe(`${module.relativeModuleId} > ${test.fullName}`, error)),
  );
  return [...suites, ...tests];
}

function describe(name: string, { message, stacks, diff }: SerializedError): string[] {
  const place = stacks?.[0] === undefined ? '' : ` (${stacks[0].file}:${stacks[0].line})`;
  const text = typeof diff === 'string' ? `${message}\n${diff}` : message;
  const lines = stripVTControlCharacters(text)
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(0, LINES);
  return [`× ${name}${place}`, ...lines.map((line) => `    ${line}`)];
}
