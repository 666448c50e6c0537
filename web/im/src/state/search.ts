/** Searches the texts of messages: in one chat as far back as asked, in all chats among the newest. */

import type { Chat, Message } from '@anser/client';
import { matches } from '../logic/order.js';
import { allChats } from './chats.js';
import { client } from './session.js';

const PAGE = 100;
const CHATS_SEARCHED = 60;
const HITS_MAX = 40;

/** What of a message can be found: its text, the name of its file, the label of its place. */
export function searchable(message: Message): string {
  const { content } = message;
  if (content.type === 'text') return content.text;
  if (content.type === 'file') return content.media.fname ?? '';
  return content.type === 'location' ? content.label : '';
}

export const isHit = (message: Message, words: string): boolean => {
  const text = searchable(message);
  return text !== '' && matches(words, text);
};

/** Newest first, from the newest page of the newest chats; ends early when it is not wanted any more. */
export async function findMessages(words: string, isWanted: () => boolean): Promise<Message[]> {
  const hits: Message[] = [];
  for (const { conversation } of allChats.value.slice(0, CHATS_SEARCHED)) {
    if (!isWanted() || hits.length >= HITS_MAX) break;
    const page = await client().messages.page(conversation.chat, { limit: PAGE }).catch(() => undefined);
    hits.push(...(page?.messages ?? []).filter((message) => isHit(message, words)));
  }
  return hits.sort((a, b) => b.time - a.time).slice(0, HITS_MAX);
}

export interface Search {
  hits: Message[];
  /** From here on older ones have not been looked at; 0: nothing was looked at yet. */
  before: number;
  isComplete: boolean;
}

const PAGES_AT_ONCE = 10;

/** Looks through some more pages of one chat. */
export async function searchOn(chat: Chat, words: string, from: Search): Promise<Search> {
  const found = { ...from, hits: [...from.hits] };
  for (let page = 0; page < PAGES_AT_ONCE && !found.isComplete; page += 1) {
    const options = { limit: PAGE, ...(found.before ? { before: found.before } : {}) };
    const { messages, isComplete } = await client().messages.page(chat, options);
    found.hits.push(...messages.filter((message) => isHit(message, words)).reverse());
    found.before = messages[0]?.msgId ?? found.before;
    found.isComplete = isComplete || messages.length === 0;
  }
  return found;
}
