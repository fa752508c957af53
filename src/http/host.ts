import { BlockList, type Socket, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import { type Urls, createUrls } from '../core/urls.ts';

/** A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986, section 3.2.2). */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;
/** A trusted proxy may say another one. */
const PROTOCOLS: ReadonlySet<string> = new Set(['http', 'https']);
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** All addresses of a machine, and the name of none. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Tells proxies from others by their addresses. */
export type Trust = (address: string | undefined) => boolean;

/** @param trusted nobody, everybody, or IP addresses and CIDR blocks */
export function createTrust(trusted: boolean | readonly string[]): Trust {
  if (typeof trusted === 'boolean') return () => trusted;
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (address) => address !== undefined && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
}

export interface HostOptions {
  /** Base of all absolute URLs; undefined: from each request, where its host is one of the server's own. */
  readonly publicUrl: string | undefined;
  /** The name or address that the server was told to listen on. */
  readonly host: string;
  readonly trust: Trust;
}

export interface Hosts {
  /** A request's absolute URLs; without a host where the one that it names is not to be believed. */
  urlsOf(request: FastifyRequest): Urls;
  /** @throws ServiceError `malformed-request` for a host that is none, or none of the server's own */
  check(request: FastifyRequest): void;
}

/** What a request said of where it came, and what is known of it. The next one on its connection mostly says the same. */
interface Known {
  readonly named: string;
  readonly protocol: string;
  readonly forwarded: string | string[] | undefined;
  readonly fault: string | undefined;
  readonly urls: Urls;
}

/** Keeps what a client says in `Host` out of absolute URLs, unless it is a name of this server (RFC 9110, section 17.1). */
export function createHosts({ publicUrl, host, trust }: HostOptions): Hosts {
  const fixed = publicUrl === undefined ? undefined : createUrls(publicUrl);
  const unknown = createUrls('');

  function faultOf(request: FastifyRequest): string | undefined {
    const { raw, host: named, socket } = request;
    if (countHosts(raw.rawHeaders) > 1) return 'The request has more than one Host.';
    if (named === '') {
      const mayLackIt = publicUrl !== undefined && raw.httpVersion === '1.0';
      return mayLackIt ? undefined : 'The Host of the request is missing.';
    }
    if (!HOST.test(named) || !URL.canParse(`http://${named}`)) return 'The Host of the request is no host.';
    if (!PROTOCOLS.has(request.protocol)) return 'The protocol of the request is neither http nor https.';
    // Of several the last one counts; Fastify tells of it but for URLs that are not encoded properly.
    const forwarded = request.headers['x-forwarded-host']?.toString().split(',').at(-1)?.trim();
    const isForwarded = forwarded === named && trust(socket.remoteAddress);
    if (publicUrl !== undefined || isForwarded || isOwn(request)) return undefined;
    return 'The Host of the request is no name of this server; one that is reached by a name needs the setting PUBLIC_URL.';
  }

  function isOwn({ hostname, socket }: FastifyRequest): boolean {
    const name = hostname.toLowerCase();
    const local = (socket.localAddress ?? '').replace(/^::ffff:/, '');
    if (LOOPBACK_NAMES.has(name)) return local === '::1' || local.startsWith('127.');
    const bare = name.replace(/^\[(.+)\]$/, '$1');
    return bare === local || (bare === host.toLowerCase() && !WILDCARDS.has(bare));
  }

  const last = new WeakMap<Socket, Known>();

  function know(request: FastifyRequest): Known {
    const { raw, socket, host: named, protocol } = request;
    const forwarded = request.headers['x-forwarded-host'];
    const known = last.get(socket);
    if (known?.named === named && known.protocol === protocol && known.forwarded === forwarded) {
      if (countHosts(raw.rawHeaders) === 1) return known;
    }
    const fault = faultOf(request);
    const urls = fixed ?? (fault === undefined ? createUrls(`${protocol}://${named}`) : unknown);
    const now = { named, protocol, forwarded, fault, urls };
    last.set(socket, now);
    return now;
  }

  return {
    urlsOf: (request) => fixed ?? know(request).urls,
    check(request) {
      const { fault } = know(request);
      if (fault !== undefined) throw new ServiceError('malformed-request', fault);
    },
  };
}

/** How many fields of a head are called Host. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
