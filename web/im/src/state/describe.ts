/** Messages in a few words: for the list, quotes, notices and the lines of events. */

import type { Chat, GroupEvent, Json, ReceivedContent } from '@anser/client';
import { t } from '../i18n/index.js';
import { groupNickname, groupOf } from './groups.js';
import { nameOf } from './people.js';
import { rooms } from './rooms.js';
import { chatRow } from './chats.js';
import { session } from './session.js';
import { targetOf } from '../logic/keys.js';

export interface Card {
  username: string;
}

export interface Quote {
  msgId: number;
  from: string;
  text: string;
}

const extrasOf = (content: ReceivedContent): Json => ('extras' in content ? (content.extras ?? {}) : {});

/** A personal card is a text with these extras, as the reference Web chat writes it. */
export function cardOf(content: ReceivedContent): Card | undefined {
  const { businessCard, userName } = extrasOf(content);
  const isCard = content.type === 'text' && businessCard === 'businessCard' && typeof userName === 'string';
  return isCard && userName !== '' ? { username: userName } : undefined;
}

export function cardContent(username: string): ReceivedContent & { type: 'text' } {
  const extras = { businessCard: 'businessCard', userName: username, appKey: session.appKey };
  return { type: 'text', text: t('message.card'), extras };
}

/** What the extras say comes from others: anything may stand there. */
export function quoteOf(content: ReceivedContent): Quote | undefined {
  const { quote } = extrasOf(content);
  if (content.type !== 'text' || typeof quote !== 'object' || quote === null) return undefined;
  const { msg_id: msgId, from, text } = quote as Json;
  if (typeof msgId !== 'number' || typeof from !== 'string' || typeof text !== 'string') return undefined;
  return { msgId, from, text: text.slice(0, QUOTE_CHARS_MAX) };
}

export const QUOTE_CHARS_MAX = 120;

export function quoteExtras(msgId: number, from: string, content: ReceivedContent): Json {
  return { quote: { msg_id: msgId, from, text: [...contentText(content)].slice(0, QUOTE_CHARS_MAX).join('') } };
}

export function contentText(content: ReceivedContent): string {
  switch (content.type) {
    case 'text':
      return cardOf(content) ? t('message.card') : content.text;
    case 'image':
      return t('message.image');
    case 'voice':
      return t('message.voice');
    case 'file':
      return `${t('message.file')} ${content.media.fname ?? ''}`.trim();
    case 'video':
      return t('message.video');
    case 'location':
      return `${t('message.location')} ${content.label}`;
    case 'custom':
      return t('message.custom');
    default:
      return t('message.unknown');
  }
}

/** A person in a line of the group: "you", the nickname there, else the name. */
function called(chat: Chat, user: string): string {
  if (user === '') return t('event.server');
  if (user === session.user) return t('event.you');
  return nameOf(user, 'group' in chat ? groupNickname(chat.group, user) : '');
}

const NAMED_MAX = 10;

export function eventText(chat: Chat, event: GroupEvent): string {
  const by = event.by === session.user ? t('event.youStart') : called(chat, event.by);
  const rest = event.users.length > NAMED_MAX ? '…' : '';
  const users = event.users.slice(0, NAMED_MAX).map((user) => called(chat, user)).join(t('event.you') === 'you' ? ', ' : '、') + rest;
  const isSet = event.change !== 2;
  switch (event.event) {
    case 8: return t('event.created', { by });
    case 9: return t('event.left', { users });
    case 10: return event.users.includes(event.by) ? t('event.joined', { users }) : t('event.added', { by, users });
    case 11: return t('event.removed', { by, users });
    case 12: return event.name ? t('event.renamed', { by, name: event.name }) : t('event.changed', { by });
    case 65: return isSet ? t('event.silenced', { by, users }) : t('event.unsilenced', { users });
    case 69: return t('event.dissolved', { by });
    case 80: return t(isSet ? 'event.admins' : 'event.noAdmins', { users });
    case 82: return t('event.owner', { users: called(chat, event.newOwner || (event.users[0] ?? '')) });
    case 83: return t(event.isPublic ? 'event.madePublic' : 'event.madePrivate');
    case 86: return t('event.announced', { text: event.announcement?.text ?? '' });
    case 87: return t('event.announcementDeleted');
    case 88: return t(isSet ? 'event.announcementPinned' : 'event.announcementUnpinned');
    case 89: return t('event.banned', { users });
    case 90: return t('event.unbanned', { users });
    case 220: return t('event.nickname', { users });
    case 221: return t('event.maximum');
    default: return t('event.other');
  }
}

export function chatName(key: string): string {
  const target = targetOf(key);
  if (!target) return '';
  if ('user' in target) return nameOf(target.user);
  if ('room' in target) return rooms.get(target.room)?.name || `#${target.room}`;
  return groupOf(target.group)?.name || chatRow(key)?.conversation.name || `#${target.group}`;
}

/** The last line of a row in the list: who in a group, and what. */
export function lastText(key: string): string {
  const last = chatRow(key)?.conversation.last;
  if (!last) return '';
  if (last.content.type === 'event') return eventText(last.chat, last.content);
  if (last.content.type === 'retracted') return retractedText(last.chat, last.from);
  const text = contentText(last.content);
  const isNamed = 'group' in last.chat && last.from !== '';
  return isNamed && !last.isOwn ? `${nameOf(last.from)}: ${text}` : text;
}

export function retractedText(chat: Chat, from: string): string {
  if (from === session.user) return t('message.retractedByYou');
  return from === '' ? t('message.erased') : t('message.retracted', { name: called(chat, from) });
}
