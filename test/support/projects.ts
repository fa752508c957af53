import { join } from 'node:path';

/** The folder of the project that tests run: a library, whose jobs store books. */
export const LIBRARY = import.meta.dirname;
/** The folder of the sample, for the tests of its jobs, of what the documentation shows, and of faults. */
export const SAMPLE = join(import.meta.dirname, '../..');
