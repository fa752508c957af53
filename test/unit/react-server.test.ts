import { createElement } from 'react';
import { renderToString } from 'react-dom/server';
import { expect, it } from 'vitest';
import { createClient } from '../../src/client/client.ts';
import { useJob, useSubmit } from '../../src/react/react.ts';

const client = createClient({
  baseUrl: '',
  collections: { thumbnail: 'thumbnails' },
  fetch: () => expect.fail('it requested something'),
});

function Page() {
  const submitted = useSubmit(client, 'thumbnail', { resumeKey: 'page' });
  const followed = useJob(client, 'thumbnail_1');
  return createElement('p', null, `${submitted.status} ${followed.status}`);
}

it('renders the hooks on a server, which has no storage and requests nothing', () => {
  expect(renderToString(createElement(Page))).toBe('<p>Idle Loading</p>');
});
