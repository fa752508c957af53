/** What is known of a file beside its bytes, and how HTTP says it. */
import { z } from 'zod';

/** Characters of a file's name: the bound of most file systems. */
const MAX_NAME_LENGTH = 255;
const MAX_TYPE_LENGTH = 200;

/** No path, and nothing that a terminal, a header or a reader takes for something else: control characters and changes of direction. */
const NAME = /^[^\p{Cc}\p{Zl}\p{Zp}\u202a-\u202e\u2066-\u2069/\\]+$/u;
const TOKEN = "[\\w!#$%&'*+.^`|~-]+";
/** A media type with parameters (RFC 9110, section 8.3.1). */
const MEDIA_TYPE = new RegExp(
  `^${TOKEN}/${TOKEN}(?:[ \\t]*;[ \\t]*${TOKEN}=(?:${TOKEN}|"(?:[\\t !#-\\[\\]-~]|\\\\[\\t !-~])*"))*$`,
);

export const fileNameSchema = z
  .string()
  .min(1)
  .max(MAX_NAME_LENGTH)
  .refine(
    (name) => NAME.test(name) && name.isWellFormed() && name !== '.' && name !== '..',
    'Invalid name: it has a slash, a control character or a lone surrogate',
  );

export const contentTypeSchema = z
  .string()
  .max(MAX_TYPE_LENGTH)
  .regex(MEDIA_TYPE, 'Invalid media type: expected one such as application/pdf (RFC 9110, section 8.3.1)');

/** What is stored beside a file's bytes. */
export const fileInfoSchema = z.object({ name: z.string(), contentType: z.string(), sha256: z.string().nullable() });

export interface FileInfo extends z.output<typeof fileInfoSchema> {
  /** In bytes. */
  readonly size: number;
}

/** What a browser shows without running anything in it. Everything else is saved: HTML, SVG and XML may have scripts. */
const SHOWN = /^(image\/(png|jpeg|gif|webp|avif)|text\/plain|audio\/(mpeg|ogg|wav|mp4)|video\/(mp4|webm|ogg))$/;

/** The `Content-Disposition` of a download (RFC 6266), with the name in ASCII too, for clients that read no other. */
export function dispositionOf({ name, contentType }: Pick<FileInfo, 'name' | 'contentType'>): string {
  const [type = ''] = contentType.toLowerCase().split(/[ \t;]/, 1);
  const kind = SHOWN.test(type) ? 'inline' : 'attachment';
  const ascii = name.replaceAll(/[^ -~]|["%\\]/gu, '_');
  return `${kind}; filename="${ascii}"; filename*=UTF-8''${encodeValue(name)}`;
}

/** RFC 8187, section 3.2.1. */
export function encodeValue(text: string): string {
  return encodeURIComponent(text).replaceAll(
    /['()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}
