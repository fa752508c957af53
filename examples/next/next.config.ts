import type { NextConfig } from 'next';

/** Next leaves the package as it is: it reads files of its own at run time. */
const config: NextConfig = { serverExternalPackages: ['accepted'] };
export default config;
