import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runJob } from 'accepted/testing';
import story from './story.ts';

test('tells the story a few words at a time', async () => {
  const { result, outputs } = await runJob(story, { about: 'a queue' });
  assert.equal(outputs.join(''), result?.text);
  assert.equal(outputs.length, result?.tokens);
});
