export { default } from '../library/book.ts';
