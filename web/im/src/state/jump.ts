/** A message that somebody wants to see, once its chat is open. */

import { shallowRef } from 'vue';
import type { ChatKey } from '../logic/keys.js';

export const jumpWanted = shallowRef<{ key: ChatKey; msgId: number }>();
