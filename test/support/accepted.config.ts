/** The project that tests run, unless they test the sample or job types of their own: a library, in jobs/library. */
import { defineConfig } from '../../src/index.ts';
import { openLibrary } from './library.ts';

export default defineConfig({
  jobs: 'jobs/library',
  providers: {
    library: {
      // Stored books are read by the API as well.
      api: true,
      open: async ({ database }) => openLibrary(await database()),
    },
  },
});
