/** Rates out of sums that the daemon counts since its start. */

import { shallowRef, watch, type Ref } from 'vue';

interface Sums {
  at_ms: number;
  sums: Record<string, number>;
}

/** Per second between the last two answers; nothing before the second. */
export function useRates(figures: Ref<Sums | undefined>): (name: string) => number | null {
  const pair = shallowRef<[Sums?, Sums?]>([]);
  watch(
    figures,
    (now) => {
      if (now && now.at_ms !== pair.value[1]?.at_ms) pair.value = [pair.value[1], now];
    },
    { immediate: true },
  );
  return (name) => {
    const [before, now] = pair.value;
    if (!before || !now || now.at_ms <= before.at_ms) return null;
    const grown = (now.sums[name] ?? 0) - (before.sums[name] ?? 0);
    return Math.max(0, Math.round((grown * 10_000) / (now.at_ms - before.at_ms)) / 10);
  };
}
