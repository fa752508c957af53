export { default } from '../../../src/jobs/customer.ts';
