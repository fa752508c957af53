export { default } from '../../../src/jobs/customer-import.ts';
