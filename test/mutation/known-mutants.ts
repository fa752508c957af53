/** A fault that the tests once missed; each must be killed. */
export interface KnownMutant {
  readonly name: string;
  readonly file: string;
  /** Text that occurs once in the file. */
  readonly search: string;
  readonly replacement: string;
  /** Prefixes of test files, at least one of which must fail. */
  readonly tests: readonly string[];
}

export const KNOWN_MUTANTS: readonly KnownMutant[] = [
  {
    name: 'a job that lost its worker is not quarantined',
    file: 'src/queue/worker/processor.ts',
    search: 'if (lostWorkers > 0 &&',
    replacement: 'if (lostWorkers < 0 &&',
    tests: ['test/store/queue-quarantine', 'test/store/queue-lock', 'test/store/queue-stalled'],
  },
  {
    name: 'expired locks interrupt no job',
    file: 'src/queue/worker/running-jobs.ts',
    search: "running.interrupt(id, 'lost');",
    replacement: 'void id;',
    tests: ['test/unit/worker-locks', 'test/store/worker-locks', 'test/store/queue-lock', 'test/api/queue-lost-lock'],
  },
  {
    name: 'retry keeps the stalled counter',
    file: 'src/queue/redis/lua/retry-job.lua',
    search: "'canceled', 'stc', 'parked')",
    replacement: "'canceled', 'parked')",
    tests: ['test/store/queue-retry', 'test/store/redis-scripts', 'test/store/queue-stalled'],
  },
  {
    name: 'canceling a running job replies 200 in place of 202',
    file: 'src/rest/routes/jobs.ts',
    search: 'if (!isDone(job)) return sendAccepted(reply, view, context);',
    replacement: '',
    tests: ['test/api/contract-rest', 'test/api/rest', 'test/api/cancel'],
  },
  {
    name: 'the depth limit forgets additions in flight',
    file: 'src/core/service/depth-limit.ts',
    search: 'depth.own - depth.pending',
    replacement: 'depth.own',
    tests: ['test/unit/depth-limit', 'test/store/queue-depth', 'test/api/queue-full'],
  },
  {
    name: 'the cost of a fragment forgets the page size',
    file: 'src/graphql/plugins/measure.ts',
    search: "const key = `${page ?? ''} ${name}`;",
    replacement: 'const key = name;',
    tests: ['test/unit/measure', 'test/unit/graphql', 'test/api/graphql-limits'],
  },
  {
    name: "the store's clock is kept after a reconnect",
    file: 'src/queue/redis/backend.ts',
    search: 'for (const clock of clocks.values()) clock.forget();',
    replacement: '',
    tests: ['test/store/store-clock', 'test/store/queue-clock', 'test/store/queue-errors', 'test/store/redis-'],
  },
  {
    name: 'messages of SQLSTATE P0 are logged',
    file: 'src/observability/serialize-error.ts',
    search: '(22|23|P0)',
    replacement: '(22|23)',
    tests: ['test/unit/serialize-error', 'test/unit/masked-errors', 'test/store/postgres', 'test/process/store-log'],
  },
  {
    name: 'a withdrawn JWKS key is accepted forever',
    file: 'src/auth/jwt.ts',
    search: 'cacheMaxAge: CACHE_MS',
    replacement: 'cacheMaxAge: Infinity',
    tests: ['test/unit/jwt', 'test/api/auth-jwt'],
  },
  {
    name: 'the version of a weak ETag is not compared',
    file: 'src/http/preconditions.ts',
    search: 'opaque(each) === opaque(tag)',
    replacement: "opaque(each) !== ''",
    tests: ['test/unit/entity-tag', 'test/unit/replies', 'test/api/contract-rest', 'test/api/rest'],
  },
  {
    name: 'pressure refuses no request',
    file: 'src/server.ts',
    search: 'addPressureLimits(apis, options);',
    replacement: '',
    tests: ['test/unit/pressure', 'test/api/pressure', 'test/process/overload'],
  },
];
