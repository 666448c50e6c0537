/**
 * The token of the link for the first operator: `#set-up=…`. It is taken out of the address when this module loads, and
 * when such a link is opened where the page already is. Both must come before the router, which reads the same part of
 * the address: so this module is loaded first.
 */

import { shallowRef } from 'vue';

export const setUpToken = shallowRef('');

function take(): void {
  const found = /^#set-up=([\w.~-]+)$/.exec(location.hash);
  if (!found) return;
  setUpToken.value = found[1]!;
  history.replaceState(history.state, '', `${location.pathname}#/set-up`);
}

take();
addEventListener('popstate', take);
