import { createSocket } from 'node:dgram';
import { onTestFinished } from 'vitest';

const IPV4 = 1;
/** A response, with recursion. */
const FLAGS = 0x8180;

export interface DnsServer {
  /** Its address, as `Resolver.setServers` takes it. */
  readonly server: string;
  /** How often it was asked for IPv4 addresses. */
  asked(): number;
}

/**
 * A server of names (RFC 1035) that answers the n-th question for IPv4 addresses with the n-th list, and later ones with the last. No name has
 * IPv6 addresses. It ends with the test.
 */
export async function startDnsServer(answers: readonly (readonly string[])[]): Promise<DnsServer> {
  const socket = createSocket('udp4');
  let asked = 0;
  socket.on('message', (query, { address, port }) => {
    const questionEnd = query.indexOf(0, 12) + 5;
    const type = query.readUInt16BE(questionEnd - 4);
    const addresses = type === IPV4 ? (answers[Math.min(asked, answers.length - 1)] ?? []) : [];
    if (type === IPV4) asked += 1;
    const header = Buffer.alloc(12);
    query.copy(header, 0, 0, 2);
    for (const [at, value] of [FLAGS, 1, addresses.length].entries()) header.writeUInt16BE(value, 2 + 2 * at);
    const records = addresses.map((each) =>
      Buffer.from([0xc0, 12, 0, IPV4, 0, 1, 0, 0, 0, 0, 0, 4, ...each.split('.').map(Number)]),
    );
    socket.send(Buffer.concat([header, query.subarray(12, questionEnd), ...records]), port, address);
  });
  onTestFinished(() => new Promise<void>((resolve) => void socket.close(resolve)));
  await new Promise<void>((resolve) => void socket.bind(0, '127.0.0.1', resolve));
  return { server: `127.0.0.1:${socket.address().port}`, asked: () => asked };
}
