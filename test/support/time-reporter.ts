import type { Reporter, TestModule } from 'vitest/node';

const FILES = 30;

/** Prints the durations of the slowest files, to show where a run spends its time. */
export class TimeReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const files = modules.map((module) => {
      const { collectDuration, duration } = module.diagnostic();
      return { name: module.relativeModuleId, importMs: collectDuration, testMs: duration };
    });
    const slowestFirst = files.toSorted((a, b) => b.testMs + b.importMs - (a.testMs + a.importMs));
    const lines = slowestFirst
      .slice(0, FILES)
      .map(({ name, importMs, testMs }) => `${seconds(testMs)} s + ${seconds(importMs)} s import  ${name}`);
    process.stdout.write(`\n${lines.join('\n')}\n`);
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1).padStart(6);
