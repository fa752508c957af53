export { default } from '../../support/jobs/hostile/blocking.ts';
