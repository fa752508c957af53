/** Dark and light: as the system says, until the reader chooses. The choice is all that the console keeps in the browser. */
const KEY = 'accepted-console-theme';
const DARK = matchMedia('(prefers-color-scheme: dark)');

type Theme = 'dark' | 'light';

export function currentTheme(): Theme {
  const chosen = document.documentElement.dataset['theme'];
  return chosen === 'dark' || chosen === 'light' ? chosen : DARK.matches ? 'dark' : 'light';
}

export function restoreTheme(): void {
  try {
    const kept = localStorage.getItem(KEY);
    if (kept === 'dark' || kept === 'light') document.documentElement.dataset['theme'] = kept;
  } catch {
    // Browsers may refuse storage.
  }
}

/** @returns the theme that it is now */
export function switchTheme(): Theme {
  const theme = currentTheme() === 'dark' ? 'light' : 'dark';
  document.documentElement.dataset['theme'] = theme;
  try {
    localStorage.setItem(KEY, theme);
  } catch {
    // It holds for this page, then.
  }
  return theme;
}
