/** `accepted api-key`: the key is shown only once; the server stores its hash. */
import { apiKeysSchema, newApiKey } from '../auth/api-keys.ts';
import { SCOPES } from '../core/access/caller.ts';
import { type Command, UsageError } from './command.ts';

export const apiKeyCommand: Command = {
  positionals: ['NAME', 'SCOPES'],
  details: `NAME is the caller's; SCOPES are some of ${SCOPES.join(', ')}, joined by +. Example: accepted api-key shop submit+read`,
  async run({ positionals: [name = '', scopes = ''] }) {
    const { key, entry } = newApiKey(name, scopes);
    if (!apiKeysSchema.safeParse(entry).success)
      throw new UsageError('expected a name of letters, digits, ., _ and -, and scopes such as submit+read');
    process.stdout.write(
      `The key, for the caller:              ${key}\nThe entry, for the server's API_KEYS: ${entry}\n`,
    );
    return 0;
  },
};
