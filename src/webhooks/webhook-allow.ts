/** The setting WEBHOOK_ALLOW: what webhooks may reach although the server sends nothing there by itself. */
import { BlockList, isIP } from 'node:net';
import { z } from 'zod';

const EXPECTED =
  'expected hosts such as hooks.internal or hooks.internal:8080, IP addresses, and CIDR blocks such as 10.1.0.0/16, separated by commas';

const CIDR = /^([^/]+)\/(\d{1,3})$/;
const HOST = /^(\[[^\]]+\]|[^:/]+)(?::(\d{1,5}))?$/;
const NAME = /^(?!-)[a-z\d-]{1,63}(?<!-)(\.(?!-)[a-z\d-]{1,63}(?<!-))*$/;

export interface WebhookAllow {
  /** Host names and addresses, each with a port or for all ports. */
  readonly hosts: ReadonlySet<string>;
  readonly addresses: BlockList;
}

export const NOTHING_ALLOWED: WebhookAllow = { hosts: new Set(), addresses: new BlockList() };

/** How a URL names a host: without the brackets of IPv6, and without the full stop at the end of a name. */
export function plainHost(hostname: string): string {
  return hostname.replace(/^\[(.*)\]$/, '$1').replace(/\.+$/, '');
}

export const familyOf = (address: string): 'ipv4' | 'ipv6' => (isIP(address) === 4 ? 'ipv4' : 'ipv6');

/** @returns false for an entry that is none of what is expected */
function add(entry: string, hosts: Set<string>, addresses: BlockList): boolean {
  const [, network = '', bits] = CIDR.exec(entry) ?? [];
  if (bits !== undefined) {
    if (isIP(network) === 0 || Number(bits) > (isIP(network) === 4 ? 32 : 128)) return false;
    addresses.addSubnet(network, Number(bits), familyOf(network));
    return true;
  }
  if (isIP(entry) !== 0) {
    addresses.addAddress(entry, familyOf(entry));
    return true;
  }
  const [, given = '', port] = HOST.exec(entry) ?? [];
  if (!URL.canParse(`http://${given}`) || Number(port ?? 1) > 65_535 || port === '0') return false;
  const host = plainHost(new URL(`http://${given}`).hostname);
  if (isIP(host) === 0 && !NAME.test(host)) return false;
  hosts.add(port === undefined ? host : `${host}:${port}`);
  return true;
}

export const webhookAllowSchema = z.string().transform((value, context): WebhookAllow => {
  const hosts = new Set<string>();
  const addresses = new BlockList();
  const entries = value.split(',').map((entry) => entry.trim());
  for (const entry of entries)
    if (!add(entry, hosts, addresses))
      context.addIssue({ code: 'custom', message: `${EXPECTED}; not ${JSON.stringify(entry)}` });
  return { hosts, addresses };
});
