export { default } from '../library/book-import.ts';
