/** Which part of the page is shown, which chat is open, and what lies above it. */

import { reactive } from 'vue';
import { targetOf, type ChatKey } from '../logic/keys.js';
import type { Shown } from '../logic/thread.js';

export type Section = 'chats' | 'contacts' | 'rooms' | 'settings';

export type Overlay =
  | { kind: 'profile'; user: string }
  | { kind: 'me' }
  | { kind: 'new-chat' }
  | { kind: 'new-group'; members?: string[] }
  | { kind: 'join-group' }
  | { kind: 'forward'; item: Shown; from: ChatKey }
  | { kind: 'readers'; item: Shown }
  | { kind: 'find' }
  | { kind: 'send-card'; user: string };

export type SidePanel = 'none' | 'details' | 'search' | 'files';

interface Viewer {
  chat: ChatKey;
  key: string;
}

export const ui = reactive({
  section: 'chats' as Section,
  chat: '' as ChatKey | '',
  overlay: undefined as Overlay | undefined,
  side: 'none' as SidePanel,
  viewer: undefined as Viewer | undefined,
  isArchiveOpen: false,
});

const SECTIONS: readonly string[] = ['chats', 'contacts', 'rooms', 'settings'];

/** `#/chats/u:bob`: the address holds what is shown, so that back, reload and links work. */
function readAddress(): void {
  const [, section = '', key = ''] = location.hash.split('/');
  if (!SECTIONS.includes(section)) return;
  ui.section = section as Section;
  let chat = '';
  try {
    chat = decodeURIComponent(key);
  } catch {
    chat = '';
  }
  if (chat !== ui.chat) Object.assign(ui, { side: 'none', viewer: undefined });
  ui.chat = targetOf(chat) ? (chat as ChatKey) : '';
}

function go(section: Section, chat: ChatKey | ''): void {
  const address = `#/${section}${chat ? `/${encodeURIComponent(chat)}` : ''}`;
  if (location.hash !== address) location.hash = address;
  readAddress();
}

export function show(section: Section): void {
  go(section, '');
}

export function openChat(chat: ChatKey): void {
  Object.assign(ui, { overlay: undefined, viewer: undefined });
  go(ui.section === 'rooms' && chat.startsWith('r:') ? 'rooms' : 'chats', chat);
}

export function closeChat(): void {
  ui.side = 'none';
  go(ui.section, '');
}

export function resetUi(): void {
  Object.assign(ui, { section: 'chats', chat: '', overlay: undefined, side: 'none', viewer: undefined });
  history.replaceState(null, '', location.pathname + location.search);
}

addEventListener('hashchange', readAddress);
readAddress();
