import { describe, expect, it } from 'vitest';
import { showControls } from '../../src/observability/terminal.ts';

describe('a log on a terminal', () => {
  it.each([
    ['\u001b[2J\u001b]0;title\u0007', String.raw`\u001b[2J\u001b]0;title\u0007`],
    ['\u009b2J\u007f\u0000', String.raw`\u009b2J\u007f\u0000`],
    ['fine\rforged', String.raw`fine\rforged`],
    ['\b\f', String.raw`\b\f`],
    [String.raw`\u001b`, String.raw`\u001b`],
    [String.raw`\\u001b\r`, String.raw`\\u001b\r`],
    ['\\\u001b', String.raw`\\u001b`],
    ['two\nlines\twith "quotes", é and 漢 \ud83d\ude00', 'two\nlines\twith "quotes", é and 漢 \ud83d\ude00'],
  ])('escapes control sequences: %j', (text, shown) => {
    expect(JSON.parse(showControls(JSON.stringify({ msg: text })))).toEqual({ msg: shown });
  });
});
