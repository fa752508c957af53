import type { FastifyReply, FastifyRequest } from 'fastify';
import { constantOf } from './negotiation.ts';

/** Text that is safe to insert into HTML. */
export interface Html {
  readonly html: string;
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replaceAll(/[&<>"']/g, (character) => ENTITIES[character] ?? character);
}

/** An HTML template: values are escaped unless they are HTML already, and lists are joined. */
export function html(
  parts: TemplateStringsArray,
  ...values: readonly (string | number | Html | readonly Html[])[]
): Html {
  const shown = values.map((value) => {
    if (typeof value === 'string' || typeof value === 'number') return escape(String(value));
    return 'html' in value ? value.html : value.map((item) => item.html).join('\n');
  });
  return { html: String.raw({ raw: parts }, ...shown) };
}

/** Prose with `code` between backticks. */
export function prose(text: string): Html {
  return { html: escape(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>') };
}

export interface Page {
  readonly title: string;
  /** The head, without the title. */
  readonly head: Html;
  readonly body: Html;
  /** What the page may load (Content Security Policy Level 3, section 6.1); nothing else. */
  readonly allow: string;
}

/** No framing by other pages, no forms, and no `<base>` that would change links. */
const CLOSED = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

export function sendPage(
  request: FastifyRequest,
  reply: FastifyReply,
  { title, head, body, allow }: Page,
): Promise<FastifyReply> {
  const page = html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        ${head}
      </head>
      <body>
        ${body}
      </body>
    </html> `;
  reply.type('text/html; charset=utf-8').headers({
    'Cache-Control': 'no-cache',
    'Content-Security-Policy': `${CLOSED}; ${allow}`,
    'Referrer-Policy': 'no-referrer',
    'X-Content-Type-Options': 'nosniff',
  });
  return constantOf(page.html)(request, reply);
}

/** The relative path from a page to the root of the service, which stays right behind a proxy's path prefix. */
export function toRoot(request: FastifyRequest): string {
  const path = request.url.split('?', 1)[0] ?? '/';
  return '../'.repeat(path.split('/').length - 2) || './';
}
