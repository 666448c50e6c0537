/** What the parts of a chat share without handing it through. */

import type { InjectionKey, ShallowRef } from 'vue';
import type { Shown } from '../logic/thread.js';

/** The message that is being replied to. */
export const replyKey: InjectionKey<ShallowRef<Shown | undefined>> = Symbol('reply');
