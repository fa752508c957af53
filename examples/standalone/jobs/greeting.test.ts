import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from 'accepted/testing';
import greeting from './greeting.ts';

test('greets with the words of the settings', async () => {
  const { result, progress } = await runJob(
    greeting,
    { name: 'Ada' },
    { providers: { words: { greeting: 'Good evening' } } },
  );
  assert.deepEqual(result, { text: 'Good evening, Ada' });
  assert.equal(progress.length, 3);
});
