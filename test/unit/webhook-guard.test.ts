import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { type AddressInfo, type Socket, createServer } from 'node:net';
import { assert, nat, property } from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createGuard, isPublic } from '../../src/webhooks/guard.ts';
import { send } from '../../src/webhooks/send.ts';
import { NOTHING_ALLOWED, webhookAllowSchema } from '../../src/webhooks/webhook-allow.ts';
import { startDnsServer } from '../support/dns-server.ts';
import { serve } from '../support/http-server.ts';

const closed = createGuard({ allow: NOTHING_ALLOWED, publicUrl: 'https://accepted.example:8443/base' });
const signal = new AbortController().signal;
const request = { headers: {}, body: '{}', signal };

describe('the hosts of webhooks', () => {
  it.each([
    'https://127.0.0.1/',
    'https://127.1/',
    'https://2130706433/',
    'https://0x7f000001/',
    'https://0177.0.0.1/',
    'https://①②⑦.⓪.⓪.①/',
    'https://0/',
    'https://127.0.0.1./',
    'https://10.0.0.1/',
    'https://172.31.255.255/',
    'https://192.168.0.1/',
    'https://100.64.0.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://192.0.0.8/',
    'https://198.19.255.255/',
    'https://203.0.113.1/',
    'https://224.0.0.1/',
    'https://255.255.255.255/',
    'https://[::]/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:8.8.8.8]/',
    'https://[64:ff9b::127.0.0.1]/',
    'https://[64:ff9b:1::1]/',
    'https://[2002:7f00:1::]/',
    'https://[2001:0:53aa:64c::1]/',
    'https://[2001:db8::1]/',
    'https://[3fff::1]/',
    'https://[fc00::1]/',
    'https://[fe80::1]/',
    'https://[ff02::1]/',
    'https://[100::1]/',
    'https://localhost/',
    'https://LOCALHOST.:443/',
    'https://any.localhost/',
    'https://accepted.example/',
    'https://ACCEPTED.example./',
    'http://example.com/',
  ])('%s is refused', async (url) => {
    expect(closed.whyRefused(url)).toMatch(/^Invalid webhook: /);
    await expect(send({ ...request, url, guard: closed })).resolves.toEqual({
      statusCode: null,
      error: 'REFUSED_ADDRESS',
    });
  });

  it.each(['https://example.com/', 'https://8.8.8.8/', 'https://172.32.0.1/', 'https://[2606:4700:4700::1111]/'])(
    '%s is not',
    (url) => expect(closed.whyRefused(url)).toBeUndefined(),
  );

  it('are decided by the address, however it is written', () => {
    assert(
      property(nat({ max: 0xffffffff }), (number) => {
        const bytes = [24, 16, 8, 0].map((shift) => (number >>> shift) & 0xff);
        const dotted = bytes.join('.');
        const [a = 0, b = 0] = bytes;
        const forms = [
          dotted,
          String(number),
          `0x${number.toString(16)}`,
          bytes.map((byte) => `0${byte.toString(8)}`).join('.'),
          `${a}.${b}.${number & 0xffff}`,
        ];
        for (const form of forms) expect(closed.whyRefused(`https://${form}/`) === undefined).toBe(isPublic(dotted));
        const hex = `${(number >>> 16).toString(16)}:${(number & 0xffff).toString(16)}`;
        for (const within of [`::ffff:${dotted}`, `::${dotted}`, `64:ff9b::${hex}`, `2002:${hex}::1`])
          expect(closed.whyRefused(`https://[${within}]/`)).toBeDefined();
      }),
    );
  });

  it('may be named, with a port or for all, and addresses by their block', () => {
    const allow = webhookAllowSchema.parse('hooks.internal, hooks.test:8080,10.1.0.0/16,[fd00::1]:9000, 192.168.0.7');
    const { whyRefused } = createGuard({ allow });
    for (const url of [
      'http://hooks.internal/',
      'https://HOOKS.internal.:9999/',
      'http://hooks.test:8080/',
      'https://10.1.2.3/',
      'http://10.1.2.3:81/',
      'http://[fd00::1]:9000/',
      'http://192.168.0.7/',
    ])
      expect(whyRefused(url)).toBeUndefined();
    for (const url of [
      'http://hooks.test/',
      'http://hooks.test:8081/',
      'https://10.2.0.1/',
      'https://[fd00::1]/',
      'https://[fd00::2]:9000/',
    ])
      expect(whyRefused(url)).toBeDefined();
  });

  it.each([
    '10.0.0.0/33',
    'https://hooks.internal',
    'hooks.internal/',
    'a b',
    'hooks:0',
    'hooks:65536',
    '*.internal',
    '',
    'a,,b',
  ])('cannot be named as %j', (text) => expect(webhookAllowSchema.safeParse(text).success).toBe(false));
});

describe('the names of webhooks', () => {
  const sendTo = async (answers: readonly (readonly string[])[], port = 443, allow = '127.0.0.1') => {
    const { server, asked } = await startDnsServer(answers);
    const guard = createGuard({ allow: webhookAllowSchema.parse(allow), dnsServers: [server] });
    const sent = () => send({ ...request, url: `https://rebinding.example:${port}/`, guard });
    return { sent, asked };
  };

  it.each([[['10.0.0.1']], [['8.8.8.8', '169.254.169.254']], [['127.0.0.2', '127.0.0.1']]])(
    'that are at %j are refused, one bad address being enough',
    async (addresses) => {
      const { sent } = await sendTo([addresses]);
      expect(await sent()).toEqual({ statusCode: null, error: 'REFUSED_ADDRESS' });
    },
  );

  it('without an address are an error of their own', async () => {
    const { sent } = await sendTo([[]]);
    expect(await sent()).toEqual({ statusCode: null, error: 'DNS' });
  });

  it('are asked for once, so that a second answer changes nothing, and the connection goes where the first one said', async () => {
    let connections = 0;
    const listener = createServer((socket) => {
      connections += 1;
      socket.on('error', () => undefined);
      socket.end('not TLS');
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void listener.close());
    // A listening TCP server always has an AddressInfo.
    const { sent, asked } = await sendTo([['127.0.0.1'], ['10.0.0.1']], (listener.address() as AddressInfo).port);
    expect(await sent()).toMatchObject({ statusCode: null, error: 'TLS' });
    expect([connections, asked()]).toEqual([1, 1]);
    expect(await sent()).toEqual({ statusCode: null, error: 'REFUSED_ADDRESS' });
    expect([connections, asked()]).toEqual([1, 2]);
  });
});

describe('a hostile receiver', () => {
  const attempt = async (answer: (socket: Socket) => void) => {
    const listener = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => answer(socket));
    });
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    onTestFinished(() => void listener.close());
    // A listening TCP server always has an AddressInfo.
    const { port } = listener.address() as AddressInfo;
    const guard = createGuard({ allow: webhookAllowSchema.parse('127.0.0.1') });
    return send({ ...request, url: `http://127.0.0.1:${port}/`, guard, replyMs: 300 });
  };
  const again = (socket: Socket, text: string): void => {
    const timer = setInterval(() => socket.write(text), 1);
    socket.once('close', () => clearInterval(timer));
  };

  it.each<[string, string, (socket: Socket) => void]>([
    [
      'whose header never ends',
      'TIMEOUT',
      (socket) => {
        socket.write('HTTP/1.1 200 OK\r\nx: ');
        again(socket, 'x');
      },
    ],
    ['that continues for ever', 'TIMEOUT', (socket) => again(socket, 'HTTP/1.1 100 Continue\r\n\r\n')],
    [
      'whose header is too large',
      'CONNECTION',
      (socket) => void socket.write(`HTTP/1.1 200 OK\r\nx: ${'x'.repeat(20_000)}\r\n\r\n`),
    ],
    ['that is no HTTP server', 'CONNECTION', (socket) => void socket.write('220 smtp.example ESMTP\r\n')],
    ['that resets the connection', 'CONNECTION', (socket) => void socket.resetAndDestroy()],
  ])('%s gets an error of its own: %s', async (_, error, answer) => {
    expect(await attempt(answer)).toEqual({ statusCode: null, error });
  });

  it('whose body breaks off has replied', async () => {
    const sent = await attempt((socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nx'));
    expect(sent).toMatchObject({ statusCode: 200, error: null });
  });
});

it('no proxy of the environment is used, which would look the host up again', async () => {
  let proxied = 0;
  const proxy = await serve((_request, response) => {
    proxied += 1;
    response.end();
  });
  const receiver = await serve((_request, response) => response.writeHead(204).end());
  const program = `
    import { send } from './src/webhooks/send.ts';
    import { createGuard } from './src/webhooks/guard.ts';
    import { webhookAllowSchema } from './src/webhooks/webhook-allow.ts';
    const guard = createGuard({ allow: webhookAllowSchema.parse('127.0.0.1') });
    const sent = await send({ url: '${receiver}', headers: {}, body: '{}', guard, signal: new AbortController().signal });
    process.stdout.write(String(sent.statusCode));`;
  const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', program], {
    env: { ...process.env, NODE_USE_ENV_PROXY: '1', HTTP_PROXY: proxy, http_proxy: proxy, NO_PROXY: '', no_proxy: '' },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const output = Buffer.concat(await child.stdout.toArray()).toString();
  expect([output, proxied]).toEqual(['204', 0]);
});
