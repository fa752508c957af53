import { STATUS_CODES } from 'node:http';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { JobType } from '../../core/define-job.ts';
import { PROBLEMS, type ProblemName, ServiceError } from '../../core/errors.ts';
import type { Urls } from '../../core/urls.ts';
import { problemExample } from '../openapi/examples.ts';
import { PROBLEM_EXPLANATIONS } from './problem-explanations.ts';
import { ASSETS } from './assets.ts';
import { type Html, html, prose, sendPage, toRoot } from '../../http/page.ts';

// The keys of the table are its names.
const NAMES = Object.keys(PROBLEMS) as ProblemName[];

/** `GET /problems/{name}`: the page that a problem's `type` dereferences to (RFC 9457, section 3.1.1). `GET /problems`: the list. */
export function addProblemPages(
  app: FastifyInstance,
  urlsOf: (request: FastifyRequest) => Urls,
  [jobType]: readonly JobType[],
): void {
  app.get('/problems', async (request, reply) => {
    const root = toRoot(request);
    return send(
      request,
      reply,
      'Problems',
      html`<p>
          The errors of this API: each reply in <code>application/problem+json</code> has one of these as its
          <code>type</code>.
        </p>
        <table>
          <thead>
            <tr>
              <th>Problem</th>
              <th>HTTP</th>
              <th>GraphQL</th>
            </tr>
          </thead>
          <tbody>
            ${NAMES.map(
              (name) =>
                html`<tr>
                  <td><a href="${root}problems/${name}">${PROBLEMS[name].title}</a></td>
                  <td>${PROBLEMS[name].status}</td>
                  <td><code>${PROBLEMS[name].code}</code></td>
                </tr>`,
            )}
          </tbody>
        </table>`,
    );
  });

  app.get<{ Params: { name: string } }>('/problems/:name', async (request, reply) => {
    const name = NAMES.find((candidate) => candidate === request.params.name);
    if (name === undefined) throw new ServiceError('not-found', 'No problem type has this name.');
    return send(request, reply, PROBLEMS[name].title, explain(name, urlsOf(request), jobType));
  });
}

function explain(name: ProblemName, urls: Urls, jobType: JobType | undefined): Html {
  const { status, code } = PROBLEMS[name];
  const { meaning, remedy } = PROBLEM_EXPLANATIONS[name];
  return html`<table>
      <tbody>
        <tr>
          <th scope="row">Problem type</th>
          <td><code>${urls.problem(name)}</code></td>
        </tr>
        <tr>
          <th scope="row">HTTP status</th>
          <td>${status} ${STATUS_CODES[status] ?? ''}</td>
        </tr>
        <tr>
          <th scope="row">GraphQL code</th>
          <td><code>${code}</code></td>
        </tr>
      </tbody>
    </table>
    <h2>What it means</h2>
    <p>${prose(meaning)}</p>
    <h2>What a client should do</h2>
    <p>${prose(remedy)}</p>
    ${
      jobType === undefined
        ? ''
        : html`<h2>An example</h2>
            <pre><code>${JSON.stringify(problemExample(name, urls, jobType), null, 2)}</code></pre>`
    }`;
}

function send(request: FastifyRequest, reply: FastifyReply, title: string, content: Html): Promise<FastifyReply> {
  const root = toRoot(request);
  return sendPage(request, reply, {
    title: `${title} · Accepted`,
    head: html`<link rel="icon" href="${root}${ASSETS}/favicon.png" />
      <link rel="stylesheet" href="${root}${ASSETS}/page.css" />`,
    body: html`<main>
      <nav><a href="${root}docs">API</a> · <a href="${root}problems">Problems</a></nav>
      <h1>${title}</h1>
      ${content}
    </main>`,
    allow: "style-src 'self'; img-src 'self'",
  });
}
