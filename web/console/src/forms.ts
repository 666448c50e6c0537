/** Forms and questions in dialogs, described as data: every one shows the call that it makes. */

import { ask, t, toast } from '@anser/ui';
import { shallowRef } from 'vue';
import { curl, send, type Call } from './api';

export type Values = Record<string, unknown>;

export interface FieldOf {
  key: string;
  label: string;
  type?:
    | 'text'
    | 'password'
    | 'number'
    | 'lines'
    | 'json'
    | 'select'
    | 'check'
    | 'chips'
    | 'date'
    | 'datetime-local'
    | 'time'
    | 'file'
    /** A file whose bytes are the value, as base64. */
    | 'base64';
  hint?: string;
  options?: { value: string; label: string }[];
  /** Characters of a text, the largest number, or the most chips. */
  max?: number;
  min?: number;
  isRequired?: boolean;
  takesFile?: boolean;
  accept?: string;
  when?: (values: Values) => boolean;
}

export interface FormOf<Answer> {
  title: string;
  text?: string;
  fields: FieldOf[];
  values?: Values;
  action?: string;
  done?: string;
  isWide?: boolean;
  call: (values: Values) => Call;
  /** Looks at the answer; what it throws stands in the form. */
  then?: (answer: Answer, values: Values) => void | Promise<void>;
}

export const shownForm = shallowRef<(FormOf<unknown> & { settle: (answer: unknown) => void }) | null>(null);

/** Opens a form; the answer of its call, or nothing when it was left. */
export function form<Answer = unknown>(about: FormOf<Answer>): Promise<Answer | undefined> {
  shownForm.value?.settle(undefined);
  return new Promise((resolve) => {
    const own = {
      ...(about as FormOf<unknown>),
      settle: (answer: unknown) => {
        // Another may have been opened since.
        if (shownForm.value === own) shownForm.value = null;
        resolve(answer as Answer | undefined);
      },
    };
    shownForm.value = own;
  });
}

export interface ActOf {
  title: string;
  text: string;
  action: string;
  isDangerous?: boolean;
  typed?: string;
  done?: string;
  call: Call | Call[];
}

/** Says what will happen, asks, and does it. */
export function act(about: ActOf): Promise<boolean> {
  const calls = Array.isArray(about.call) ? about.call : [about.call];
  return ask({
    ...about,
    curl: calls.map(curl).join('\n'),
    run: async () => {
      for (const one of calls) await send(one);
      toast(about.done ?? t('Done', '已完成'));
    },
  });
}

/** Reads a text as JSON; empty is nothing. */
export function json(text: unknown): unknown {
  const given = String(text ?? '').trim();
  return given ? JSON.parse(given) : undefined;
}

export const text = (value: unknown): string => String(value ?? '').trim();
export const chips = (value: unknown): string[] => (Array.isArray(value) ? (value as string[]) : []);

/** Leaves out what is empty. */
export function filled<T extends Values>(values: T): Partial<T> {
  const isFull = (value: unknown): boolean => value !== undefined && value !== '' && value !== null;
  return Object.fromEntries(Object.entries(values).filter(([, value]) => isFull(value))) as Partial<T>;
}
