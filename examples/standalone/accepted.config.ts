import { defineConfig, z } from 'accepted';

const config = defineConfig({
  settings: z.object({ GREETING: z.string().default('Hello') }),
  providers: {
    words: ({ settings }) => ({ greeting: settings.GREETING }),
  },
});
export default config;

declare module 'accepted' {
  interface Register {
    config: typeof config;
  }
}
