/** An S3 server in a process of its own: s3rver checks signatures, and keeps objects in a folder. Prints its port. */
import S3rver from '@20minutes/s3rver';

const [, , directory = '', port = '0'] = process.argv;
const server = new S3rver({
  address: '127.0.0.1',
  port: Number(port),
  directory,
  silent: true,
  configureBuckets: [{ name: 'bucket' }],
});
const address = await server.run();
process.stdout.write(`ready ${address.port}\n`);
