/** The time, fine enough for "today" and "yesterday" to become true by themselves. */

import { ref } from 'vue';

const MINUTE_MS = 60_000;

export const minute = ref(Date.now());
setInterval(() => (minute.value = Date.now()), MINUTE_MS);
