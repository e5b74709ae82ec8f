// Addresses of pictures of values: in the wanted colours, for the theme that is shown.

import { theme } from './theme.svelte';

export type MapColors = 'diverging' | 'jet';

export function mapAddress(picture: string, colors: MapColors): string {
  return `${picture}${picture.includes('?') ? '&' : '?'}colors=${colors}&theme=${theme.shown}`;
}
