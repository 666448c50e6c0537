/** Toasts and questions that any code may raise; `UiHost` shows them. */

import { reactive, shallowRef } from 'vue';

export interface Toast {
  id: number;
  text: string;
  isBad: boolean;
}

export interface Question {
  title: string;
  /** What will happen, in a sentence or two. */
  text: string;
  /** What the button says: a verb. */
  action: string;
  isDangerous?: boolean;
  /** The curl command that does the same. */
  curl?: string;
  /** What must be typed before the button works. */
  typed?: string;
  /** Runs while the dialog shows that it is busy; an error stays in the dialog. */
  run?: () => Promise<void>;
}

const SHOWN_MS = 6000;
const MOST = 4;
let next = 1;

export const toasts = reactive<Toast[]>([]);
export const question = shallowRef<(Question & { settle: (agreed: boolean) => void }) | null>(null);

export function toast(text: string, isBad = false): void {
  const id = next++;
  toasts.push({ id, text, isBad });
  if (toasts.length > MOST) toasts.shift();
  setTimeout(() => dismiss(id), SHOWN_MS);
}

export function dismiss(id: number): void {
  const at = toasts.findIndex((one) => one.id === id);
  if (at >= 0) toasts.splice(at, 1);
}

/** Asks, runs, and tells whether it was done. */
export function ask(about: Question): Promise<boolean> {
  question.value?.settle(false);
  return new Promise((resolve) => {
    const own = {
      ...about,
      settle: (agreed: boolean) => {
        // Another may have been asked since.
        if (question.value === own) question.value = null;
        resolve(agreed);
      },
    };
    question.value = own;
  });
}
