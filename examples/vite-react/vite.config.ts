import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

/** In development, Vite passes requests for the API on to `npm run server`. */
export default defineConfig({
  plugins: [react()],
  server: { proxy: { '/api': 'http://localhost:4000' } },
});
