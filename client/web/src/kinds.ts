/** Kinds of contents, and what counts. */
import type { Ext } from './codec.js';
import { readVarints, toText } from './codec.js';

export const KIND = {
  text: 1,
  image: 2,
  voice: 3,
  file: 4,
  video: 5,
  location: 6,
  custom: 7,
  event: 32,
  retracted: 33,
  amended: 34,
  notice: 36,
} as const;

export const AMENDMENT = { retracted: 1, edited: 2, erased: 3 } as const;

/** Extension tags of a message's options. */
export const TAG = {
  extras: 1,
  groupName: 46,
  noOffline: 50,
  noNotification: 51,
  title: 52,
  alert: 53,
  atPrefix: 54,
  fromName: 55,
  needReceipt: 56,
  atAll: 57,
  at: 58,
  count: 59,
  targetName: 60,
  messages: 68,
  webSignature: 77,
} as const;

/** Amendments and notices are no messages. */
export const isShownKind = (kind: number): boolean => kind !== KIND.amended && kind !== KIND.notice;

interface Content {
  kind: number;
  extensions: Ext[];
}

export const extension = ({ extensions }: { extensions: Ext[] }, tag: number): Uint8Array | undefined =>
  extensions.find((entry) => entry.tag === tag)?.value;

export function extensionText(content: { extensions: Ext[] }, tag: number): string | undefined {
  const value = extension(content, tag);
  try {
    return value && toText(value);
  } catch {
    return undefined;
  }
}

export function extensionNumber(content: { extensions: Ext[] }, tag: number): number | undefined {
  const value = extension(content, tag);
  try {
    return value && readVarints(value)[0];
  } catch {
    return undefined;
  }
}

/** By how much a message raises the unread count. */
export const unreadWeight = (content: Content): number =>
  content.kind >= KIND.event ? 0 : Math.min(1000, extensionNumber(content, TAG.count) ?? 1);

export const mentioned = (content: Content): string[] => extensionText(content, TAG.at)?.split('\n') ?? [];

export const isMention = (content: Content, user: string): boolean =>
  content.kind < KIND.event && (!!extension(content, TAG.atAll) || mentioned(content).includes(user));
