/** Makes an API key: `npm run api-key -- shop submit+read`. The key is shown only once; the server stores its hash. */
import { apiKeysSchema, newApiKey } from '../auth/api-keys.ts';

const [name = '', scopes = ''] = process.argv.slice(2);
const { key, entry } = newApiKey(name, scopes);
const { error } = apiKeysSchema.safeParse(entry);
if (error === undefined) {
  process.stdout.write(
    `The key, for the caller:              ${key}\nThe entry, for the server's API_KEYS: ${entry}\n`,
  );
} else {
  process.stderr.write('Usage: npm run api-key -- NAME SCOPES, such as: npm run api-key -- shop submit+read\n');
  process.exitCode = 1;
}
