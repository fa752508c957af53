/** Decides which addresses webhooks may reach, so that a caller cannot make the server send requests into its own network. */
import { Resolver, lookup } from 'node:dns/promises';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';
import { type WebhookAllow, familyOf, plainHost } from './webhook-allow.ts';

/**
 * What is not global unicast: IANA's registries of special-purpose addresses (RFC 6890, as of 2025), and multicast. Also those within which
 * another address is reached: 6to4, Teredo.
 */
const SPECIAL = {
  ipv4: [
    '0.0.0.0/8',
    '10.0.0.0/8',
    '100.64.0.0/10',
    '127.0.0.0/8',
    '169.254.0.0/16',
    '172.16.0.0/12',
    '192.0.0.0/24',
    '192.0.2.0/24',
    '192.31.196.0/24',
    '192.52.193.0/24',
    '192.88.99.0/24',
    '192.168.0.0/16',
    '192.175.48.0/24',
    '198.18.0.0/15',
    '198.51.100.0/24',
    '203.0.113.0/24',
    '224.0.0.0/3',
  ],
  // Of 2000::/3, outside of which nothing is global unicast: IPv4-mapped and NAT64 addresses are there too.
  ipv6: ['2001::/23', '2001:db8::/32', '2002::/16', '2620:4f:8000::/48', '3fff::/20'],
} as const;
const GLOBAL_IPV6 = '2000::/3';

/** Milliseconds that a server of names has for its answer, and how often it is asked. */
const DNS_MS = 4000;
const DNS_TRIES = 2;

const blocksOf = (family: 'ipv4' | 'ipv6', networks: readonly string[]): BlockList => {
  const list = new BlockList();
  for (const network of networks) {
    const [address = '', bits] = network.split('/');
    list.addSubnet(address, Number(bits), family);
  }
  return list;
};
const SPECIAL_IPV4 = blocksOf('ipv4', SPECIAL.ipv4);
const SPECIAL_IPV6 = blocksOf('ipv6', SPECIAL.ipv6);
const GLOBAL = blocksOf('ipv6', [GLOBAL_IPV6]);

/** Whether an address is one of the public internet. */
export function isPublic(address: string): boolean {
  if (isIP(address) === 4) return !SPECIAL_IPV4.check(address, 'ipv4');
  return GLOBAL.check(address, 'ipv6') && !SPECIAL_IPV6.check(address, 'ipv6');
}

export class RefusedAddressError extends Error {
  override readonly name = 'RefusedAddressError';
}

/** The name of a host has no address, or nobody said which. */
export class UnknownHostError extends Error {
  override readonly name = 'UnknownHostError';
}

/** Whether an address is one of this machine's. */
function isOwn(address: string): boolean {
  const own = new BlockList();
  for (const { address: each } of Object.values(networkInterfaces()).flatMap((ofOne) => ofOne ?? [])) {
    const plain = each.replace(/%.*/, '');
    own.addAddress(plain, familyOf(plain));
  }
  return own.check(address, familyOf(address));
}

export interface PinnedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

export interface Guard {
  /** Says why nothing would be sent to a URL, as far as the URL alone tells; undefined if it may be. */
  whyRefused(url: string): string | undefined;
  /**
   * The addresses of a URL's host, all of which were checked: what connects must use these, and ask for no others.
   * @throws RefusedAddressError, UnknownHostError
   */
  resolve(url: URL, signal: AbortSignal): Promise<readonly PinnedAddress[]>;
}

export interface GuardOptions {
  readonly allow: WebhookAllow;
  /** Of the server itself, to which nothing is sent either. */
  readonly publicUrl?: string | undefined;
  /** Servers of names, with ports. @default those of the system */
  readonly dnsServers?: readonly string[] | undefined;
}

export function createGuard({ allow, publicUrl, dnsServers }: GuardOptions): Guard {
  const ownHost = publicUrl === undefined ? undefined : plainHost(new URL(publicUrl).hostname);

  function isNamed({ hostname, port, protocol }: URL): boolean {
    const host = plainHost(hostname);
    const ownPort = port === '' ? (protocol === 'https:' ? '443' : '80') : port;
    return allow.hosts.has(host) || allow.hosts.has(`${host}:${ownPort}`);
  }

  const isAllowed = (address: string): boolean => allow.addresses.check(address, familyOf(address));

  const mayReach = (address: string): boolean => isAllowed(address) || (isPublic(address) && !isOwn(address));

  function whyRefused(url: URL): string | undefined {
    const host = plainHost(url.hostname);
    const isAddress = isIP(host) !== 0;
    if (isNamed(url) || (isAddress && isAllowed(host))) return undefined;
    if (url.protocol !== 'https:') return 'Invalid webhook: expected an https URL';
    const isRefused = isAddress ? !mayReach(host) : host === ownHost || /(^|\.)localhost$/.test(host);
    return isRefused ? 'Invalid webhook: the server sends nothing to this host' : undefined;
  }

  return {
    whyRefused: (text) => whyRefused(new URL(text)),
    async resolve(url, signal) {
      const host = plainHost(url.hostname);
      const named = isNamed(url);
      if (whyRefused(url) !== undefined) throw new RefusedAddressError(`${host} is not called`);
      if (isIP(host) !== 0) return [{ address: host, family: isIP(host) === 4 ? 4 : 6 }];
      // What the operator names may be in a file of hosts, or a name of the local network.
      const addresses = named ? await lookUp(host) : await ask(host, signal, dnsServers);
      if (addresses.length === 0) throw new UnknownHostError(`${host} has no address`);
      // One of them alone is enough to refuse: a public one beside it may be there to pass this check.
      const refused = named ? undefined : addresses.find((address) => !mayReach(address));
      if (refused !== undefined) throw new RefusedAddressError(`${host} is at ${refused}`);
      return addresses.map((address) => ({ address, family: isIP(address) === 4 ? 4 : 6 }));
    },
  };
}

async function lookUp(host: string): Promise<string[]> {
  try {
    return (await lookup(host, { all: true })).map(({ address }) => address);
  } catch (cause) {
    throw new UnknownHostError(`${host} was not found`, { cause });
  }
}

/**
 * Asks servers of names by itself: the system's look-up has four threads for the whole process, which a name with slow servers would take
 * from everyone else.
 */
async function ask(host: string, signal: AbortSignal, servers: GuardOptions['dnsServers']): Promise<string[]> {
  const resolver = new Resolver({ timeout: DNS_MS, tries: DNS_TRIES });
  if (servers !== undefined) resolver.setServers(servers);
  const cancel = (): void => resolver.cancel();
  signal.addEventListener('abort', cancel, { once: true });
  try {
    const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
    signal.throwIfAborted();
    return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
  } finally {
    signal.removeEventListener('abort', cancel);
  }
}
