import { expect, it } from 'vitest';
import { UsageError, didYouMean, readArgs } from '../../src/cli/command.ts';

const COMMANDS = ['dev', 'start', 'api', 'worker', 'new-job', 'migrate'];

it.each([
  ['strat', '; did you mean "start"?'],
  ['workers', '; did you mean "worker"?'],
  ['newjob', '; did you mean "new-job"?'],
  ['stop', ''],
  ['', ''],
])('the command %j is answered with %j', (given, expected) => {
  expect(didYouMean(given, COMMANDS)).toBe(expected);
});

it.each([
  ['--form', `Unknown option '--form'; did you mean "--from"?`],
  ['--hlep', `Unknown option '--hlep'; did you mean "--help"?`],
  ['--verbose', `Unknown option '--verbose'`],
])('the option %s is refused with %j', (given, message) => {
  const command = { options: { from: { value: 'STORE', description: '' } }, run: async () => undefined };
  expect(() => readArgs(command, [given])).toThrow(new UsageError(message));
});
