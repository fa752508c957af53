import { BlockList, type Socket, isIP, isIPv6 } from 'node:net';
import type { FastifyRequest } from 'fastify';
import { ServiceError } from '../core/errors.ts';
import { type Urls, createUrls } from '../core/urls.ts';

/** A name, an IPv4 address or an IPv6 address in brackets, and a port (RFC 3986, section 3.2.2). */
const HOST = /^([\w.-]+|\[[\da-f:.]+\])(:\d{1,5})?$/i;
/** A proxy may forward any text as the protocol. */
const PROTOCOLS: ReadonlySet<string> = new Set(['http', 'https']);
const LOOPBACK_NAMES: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]']);
/** Listening on all addresses; not a host name. */
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::']);

/** Whether an address is that of a trusted proxy. */
export type Trust = (address: string | undefined) => boolean;

/** @param trusted none, all, or IP addresses and CIDR blocks */
export function createTrust(trusted: boolean | readonly string[]): Trust {
  if (typeof trusted === 'boolean') return () => trusted;
  const list = new BlockList();
  for (const entry of trusted) {
    const [address = '', bits] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    if (bits === undefined) list.addAddress(address, family);
    else list.addSubnet(address, Number(bits), family);
  }
  return (text) => {
    const address = text === undefined ? '' : withoutPort(text);
    return isIP(address) !== 0 && list.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
  };
}

const WITH_PORT = /^(?:\[([\da-f:.]+)\](?::\d+)?|([\d.]+):\d+)$/i;

/** An address as a proxy forwards it, without the port that some add. */
function withoutPort(text: string): string {
  const [, ipv6, ipv4] = WITH_PORT.exec(text) ?? [];
  return ipv6 ?? ipv4 ?? text;
}

/** The address that a request comes from: as a trusted proxy says, or of the connection where that is no address. */
export function addressOf({ ip, socket }: Pick<FastifyRequest, 'ip' | 'socket'>): string {
  const address = withoutPort(ip);
  return isIP(address) === 0 ? (socket.remoteAddress ?? '') : address;
}

export interface HostOptions {
  /** Base of all absolute URLs; undefined: from each request whose host is the server's own. */
  readonly publicUrl: string | undefined;
  /** Follows the host in those from requests. */
  readonly basePath?: string | undefined;
  /** The name or address that the server listens on. */
  readonly host: string;
  readonly trust: Trust;
}

export interface Hosts {
  /** A request's absolute URLs; relative ones where its host is not the server's own. */
  urlsOf(request: FastifyRequest): Urls;
  /** @throws ServiceError `malformed-request` for a host that is invalid, or not the server's own */
  check(request: FastifyRequest): void;
}

/** The result of the last check on a connection, whose next request mostly has the same headers. */
interface Known {
  readonly named: string;
  readonly protocol: string;
  readonly forwarded: string | string[] | undefined;
  readonly fault: string | undefined;
  readonly urls: Urls;
}

/** Uses `Host` in absolute URLs only if it is a name of this server (RFC 9110, section 17.1). */
export function createHosts({ publicUrl, basePath = '', host, trust }: HostOptions): Hosts {
  const fixed = publicUrl === undefined ? undefined : createUrls(publicUrl);
  const unknown = createUrls('');

  function faultOf(request: FastifyRequest): string | undefined {
    const { raw, host: named, socket } = request;
    if (countHosts(raw.rawHeaders) > 1) return 'The request has more than one Host header.';
    if (named === '') {
      const mayLackIt = publicUrl !== undefined && raw.httpVersion === '1.0';
      return mayLackIt ? undefined : 'The Host header is missing.';
    }
    if (!HOST.test(named) || !URL.canParse(`http://${named}`)) return 'The Host header is not a valid host.';
    if (!PROTOCOLS.has(request.protocol)) return 'X-Forwarded-Proto must be http or https.';
    // Of several values the last one counts, as in Fastify, which does not read them for a badly encoded URL.
    const forwarded = request.headers['x-forwarded-host']?.toString().split(',').at(-1)?.trim();
    const isForwarded = forwarded === named && trust(socket.remoteAddress);
    if (publicUrl !== undefined || isForwarded || isOwn(request)) return undefined;
    return 'The Host header is not a name of this server. If it should be, set PUBLIC_URL.';
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
    const urls = fixed ?? (fault === undefined ? createUrls(`${protocol}://${named}${basePath}`) : unknown);
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

/** The number of Host fields. */
function countHosts(rawHeaders: readonly string[]): number {
  let count = 0;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index];
    if (name?.length === 4 && name.toLowerCase() === 'host') count += 1;
  }
  return count;
}
