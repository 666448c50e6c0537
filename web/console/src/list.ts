/** What all lists do: load, load more, try again, and keep search and sorting in the address. */

import { computed, customRef, onScopeDispose, ref, shallowRef, watch, type Ref } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import { send, type Call } from './api';

export interface List<Row> {
  rows: Ref<Row[]>;
  isLoading: Ref<boolean>;
  error: Ref<string>;
  hasMore: Ref<boolean>;
  call: Ref<Call | null>;
  reload: () => Promise<void>;
  more: () => Promise<void>;
}

/** How a list leads on: what of an answer goes into the query of the next call, and as what. */
interface Paging {
  name: string;
  next: (answer: never) => string | null | undefined;
}

const BY_NEXT: Paging = { name: 'after', next: (answer: { next?: string | null }) => answer.next };

/** Of the public API's lists, of which a part is asked for by its start. */
export const BY_START: Paging = {
  name: 'start',
  next: ({ start, count, total }: { start: number; count: number; total: number }) =>
    count && start + count < total ? String(start + count) : undefined,
};

/** `toCall` is read again whenever what it uses changes; `take` finds the rows in the answer, which leads on. */
export function useList<Row>(
  toCall: () => Call | null,
  take: (answer: never) => Row[],
  paging: Paging = BY_NEXT,
): List<Row> {
  const rows = shallowRef<Row[]>([]);
  const isLoading = ref(false);
  const error = ref('');
  const next = ref<string>();
  const asked = computed(toCall);
  let run = 0;

  async function load(after?: string): Promise<void> {
    const one = asked.value;
    const mine = ++run;
    error.value = '';
    if (!one) {
      rows.value = [];
      next.value = undefined;
      return;
    }
    isLoading.value = true;
    try {
      const path = after
        ? `${one.path}${one.path.includes('?') ? '&' : '?'}${paging.name}=${encodeURIComponent(after)}`
        : one.path;
      const answer = await send({ ...one, path });
      // Only the answer to the latest question counts.
      if (mine !== run) return;
      const got = take(answer as never);
      rows.value = after ? [...rows.value, ...got] : got;
      next.value = paging.next(answer as never) ?? undefined;
    } catch (problem) {
      if (mine === run) error.value = problem instanceof Error ? problem.message : String(problem);
    } finally {
      if (mine === run) isLoading.value = false;
    }
  }

  watch(
    () => JSON.stringify(asked.value),
    () => {
      rows.value = [];
      void load();
    },
    { immediate: true },
  );
  return {
    rows,
    isLoading,
    error,
    hasMore: computed(() => next.value !== undefined),
    call: asked,
    reload: () => load(),
    more: () => load(next.value),
  };
}

/** One thing instead of many. */
export function useOne<T>(toCall: () => Call | null): {
  value: Ref<T | null>;
  isLoading: Ref<boolean>;
  error: Ref<string>;
  reload: () => Promise<void>;
} {
  const list = useList<T>(toCall, (answer: T) => [answer]);
  return {
    value: computed(() => list.rows.value[0] ?? null),
    isLoading: list.isLoading,
    error: list.error,
    reload: list.reload,
  };
}

const TYPING_MS = 250;

// Filters that change together reach the address together: one that came alone would undo the other.
let waiting: Record<string, string | undefined> = {};
let timer: ReturnType<typeof setTimeout> | undefined;

/** A text that stands in the query of the address: a link to this page brings it along. */
export function useQuery(name: string, otherwise = ''): Ref<string> {
  const route = useRoute();
  const router = useRouter();
  const page = route.name;
  let now = otherwise;
  const read = (): string => {
    if (route.name !== page) return now;
    const given = route.query[name];
    return typeof given === 'string' ? given : otherwise;
  };
  now = read();
  onScopeDispose(() => delete waiting[name]);
  return customRef((track, trigger) => {
    watch(read, (value) => {
      now = value;
      trigger();
    });
    return {
      get: () => (track(), now),
      set: (value) => {
        now = value;
        trigger();
        waiting[name] = value === otherwise ? undefined : value;
        clearTimeout(timer);
        timer = setTimeout(() => {
          const query = { ...route.query, ...waiting };
          waiting = {};
          if (route.name === page) void router.replace({ query });
        }, TYPING_MS);
      },
    };
  });
}

/** The value once it has rested: for calls that follow what is typed. */
export function useRested(source: Ref<string>): Ref<string> {
  const rested = ref(source.value);
  let timer: ReturnType<typeof setTimeout> | undefined;
  watch(source, (value) => {
    clearTimeout(timer);
    timer = setTimeout(() => (rested.value = value), TYPING_MS);
  });
  onScopeDispose(() => clearTimeout(timer));
  return rested;
}

/** Asks again every so often while the page is seen. */
export function usePolling(reload: () => Promise<void>, everyMs: number): void {
  const timer = setInterval(() => {
    if (!document.hidden) void reload();
  }, everyMs);
  onScopeDispose(() => clearInterval(timer));
}
