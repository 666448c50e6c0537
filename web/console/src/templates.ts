/** Pushes kept for another time, in this browser. */

import { ref, type Ref } from 'vue';
import type { Draft } from './push-draft';

export interface Template {
  name: string;
  draft: Draft;
}

const MOST = 50;
const kept = new Map<string, Ref<Template[]>>();
const keyOf = (app: string): string => `anser.templates.${app}`;

export function templates(app: string): Ref<Template[]> {
  let found = kept.get(app);
  if (!found) kept.set(app, (found = ref(read(app))));
  return found;
}

/** One of the same name is replaced. */
export function keepTemplate(app: string, name: string, draft: Draft): void {
  const all = templates(app);
  all.value = [{ name, draft }, ...all.value.filter((one) => one.name !== name)].slice(0, MOST);
  localStorage.setItem(keyOf(app), JSON.stringify(all.value));
}

function read(app: string): Template[] {
  try {
    const stored = JSON.parse(localStorage.getItem(keyOf(app)) ?? '[]') as unknown;
    return Array.isArray(stored) ? (stored as Template[]) : [];
  } catch {
    return [];
  }
}
