import { render } from 'preact';
import { App } from './app.tsx';
import { restoreTheme } from './theme.ts';

restoreTheme();
const place = document.getElementById('app');
// This file is `console/files/console.js` of the server, whatever path a proxy puts before it.
if (place !== null) render(<App root={new URL('../../', import.meta.url)} />, place);
