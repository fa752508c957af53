export { default } from '../../support/jobs/hostile/secret.ts';
