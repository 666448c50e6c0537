/** Contents and options as the application has them, to and from what travels. */
import type {
  Announcement,
  Content,
  GroupEvent,
  Json,
  Message,
  Notice,
  OutgoingMessage,
  ReceivedContent,
  RoomMessage,
  SendOptions,
  Target,
  Push,
} from './api.js';
import { byteLength, decodeStruct, readVarints, toBytes, toText, writeVarint } from './codec.js';
import type { Body, Ext } from './codec.js';
import { fail } from './errors.js';
import { KIND, TAG, extension, extensionNumber, extensionText, mentioned } from './kinds.js';
import { wireChat } from './session/sync.js';
import type { ChatKey, Entry, PushRecord, Rec } from './session/types.js';
import type { StoredMessage } from './store/rows.js';

const BODY_BYTES_MAX = 4096;
const OPTIONS_BYTES_MAX = 4096;
const OPTION_TEXT_BYTES_MAX = 250;

export interface Wire {
  kind: number;
  body: Uint8Array;
  extensions: Ext[];
}

export const targetKey = (to: Target): ChatKey => {
  if ('room' in to) return `r${to.room}`;
  return 'user' in to ? `u${to.user}` : `g${to.group}`;
};
export const targetOf = (key: ChatKey): Target =>
  key[0] === 'u'
    ? { user: key.slice(1) }
    : key[0] === 'r'
      ? { room: Number(key.slice(1)) }
      : { group: Number(key.slice(1)) };

const malformed = (message: string) => fail('SEND_MALFORMED', message);
const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

function media(value: Json | undefined, ...needed: string[]): Json {
  for (const name of ['media_id', 'media_crc32', 'fsize', ...needed]) {
    if (value?.[name] === undefined || value[name] === '') throw malformed(`an upload gives ${name}, which is missing`);
  }
  return { ...value };
}

function bodyOf(content: Content): Json {
  switch (content.type) {
    case 'image':
      return media({ ...content.media }, 'width', 'height');
    case 'file':
      return media({ ...content.media }, 'fname');
    case 'voice':
      if (!isNumber(content.duration)) throw malformed('a voice has a duration in seconds');
      return { ...media({ ...content.media }), duration: Math.round(content.duration) };
    case 'video': {
      if (!isNumber(content.duration) || content.duration < 0) throw malformed('a video has a duration in seconds');
      const video = media({ ...content.media }, 'fname');
      const thumb = content.thumb && media({ ...content.thumb }, 'width', 'height', 'format');
      return { video, duration: content.duration, ...(thumb && { thumb }) };
    }
    case 'location': {
      const { latitude, longitude, scale, label } = content;
      const isPlace =
        isNumber(latitude) &&
        isNumber(longitude) &&
        isNumber(scale) &&
        Math.abs(latitude) <= 90 &&
        Math.abs(longitude) <= 180;
      if (!isPlace)
        throw malformed('a place has a latitude of -90 to 90 and a longitude of -180 to 180 degrees, and a scale');
      return { latitude, longitude, scale, label: label ?? '' };
    }
    case 'custom':
      return content.body;
    default:
      throw fail('NOT_SENDABLE', 'contents of this type are not for sending');
  }
}

/** Throws what the server would refuse. */
export function encodeContent(content: Content, options: SendOptions, to: Target): Wire {
  const extensions = encodeOptions(options, 'group' in to);
  let wire: Wire;
  if (content.type === 'text') {
    if (typeof content.text !== 'string' || !content.text) throw malformed('a text must not be empty');
    if (content.extras) extensions.unshift({ tag: TAG.extras, value: toBytes(JSON.stringify(content.extras)) });
    wire = { kind: KIND.text, body: toBytes(content.text), extensions };
  } else {
    const extras = content.type !== 'custom' && content.extras ? { extras: content.extras } : {};
    const body = { ...bodyOf(content), ...extras };
    wire = { kind: KIND[content.type], body: toBytes(JSON.stringify(body)), extensions };
  }
  if (wire.body.length + (extension(wire, TAG.extras)?.length ?? 0) > BODY_BYTES_MAX)
    throw fail('SEND_TOO_LONG', 'a message has at most 4096 bytes');
  return wire;
}

function encodeOptions(options: SendOptions, isGroup: boolean): Ext[] {
  const extensions: Ext[] = [];
  const flag = (tag: number, is: unknown) => void (is && extensions.push({ tag, value: new Uint8Array() }));
  const text = (tag: number, value: string | undefined, most = OPTION_TEXT_BYTES_MAX) => {
    if (!value) return;
    if (byteLength(value) > most) throw malformed(`an option's text has at most ${most} bytes`);
    extensions.push({ tag, value: toBytes(value) });
  };
  flag(TAG.noOffline, options.noOffline);
  flag(TAG.noNotification, options.noNotification);
  text(TAG.title, options.notice?.title);
  text(TAG.alert, options.notice?.alert);
  text(TAG.atPrefix, options.notice?.atPrefix);
  text(TAG.fromName, options.fromName);
  flag(TAG.needReceipt, options.needReceipt);
  if (options.at && !isGroup) throw malformed('mentions are for groups only');
  flag(TAG.atAll, options.at === 'all');
  if (Array.isArray(options.at)) text(TAG.at, options.at.join('\n'), OPTIONS_BYTES_MAX);
  if (options.count !== undefined) {
    if (!Number.isInteger(options.count) || options.count < 0 || options.count > 1000)
      throw malformed('a count is 0 to 1000');
    extensions.push({ tag: TAG.count, value: writeVarint(options.count) });
  }
  text(TAG.targetName, options.targetName);
  if (extensions.reduce((sum, { value }) => sum + value.length, 0) > OPTIONS_BYTES_MAX)
    throw malformed('the options are too long');
  return extensions;
}

export function decodeOptions(wire: Wire): SendOptions {
  const options: SendOptions = {};
  const text = (tag: number) => extensionText(wire, tag);
  const has = (tag: number) => extension(wire, tag) !== undefined;
  if (has(TAG.noOffline)) options.noOffline = true;
  if (has(TAG.noNotification)) options.noNotification = true;
  if (has(TAG.needReceipt)) options.needReceipt = true;
  const [title, alert, atPrefix] = [text(TAG.title), text(TAG.alert), text(TAG.atPrefix)];
  if (title || alert || atPrefix)
    options.notice = { ...(title && { title }), ...(alert && { alert }), ...(atPrefix && { atPrefix }) };
  const [fromName, targetName, count] = [text(TAG.fromName), text(TAG.targetName), extensionNumber(wire, TAG.count)];
  if (fromName) options.fromName = fromName;
  if (targetName) options.targetName = targetName;
  if (count !== undefined) options.count = count;
  if (has(TAG.atAll)) options.at = 'all';
  else if (has(TAG.at)) options.at = mentioned(wire);
  return options;
}

/** A JSON object, or an empty one. */
export function json(text: string): Json {
  try {
    const value: unknown = JSON.parse(text);
    return value && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};
  } catch {
    return {};
  }
}

const number = (value: unknown): number => (Number.isFinite(Number(value ?? NaN)) ? Number(value) : 0);
const object = (value: unknown): Json =>
  value && typeof value === 'object' && !Array.isArray(value) ? (value as Json) : {};

/** Senders write loosely: numbers may be texts of digits, a null is absent. */
function readMedia(value: unknown): any {
  const from = object(value);
  const read: Json = {
    media_id: String(from.media_id ?? ''),
    media_crc32: number(from.media_crc32),
    fsize: number(from.fsize),
  };
  for (const name of ['width', 'height']) if (from[name] != null) read[name] = number(from[name]);
  for (const name of ['hash', 'format', 'fname']) if (from[name] != null) read[name] = String(from[name]);
  return read;
}

export function decodeContent(wire: Wire): ReceivedContent {
  try {
    return decodeKnown(wire) ?? { type: 'unknown', kind: wire.kind };
  } catch {
    return { type: 'unknown', kind: wire.kind };
  }
}

function decodeKnown(wire: Wire): ReceivedContent | undefined {
  const { kind, body } = wire;
  if (kind === KIND.retracted) return { type: 'retracted' };
  if (kind === KIND.event) return decodeEvent(wire);
  if (kind < KIND.text || kind > KIND.custom) return undefined;
  const text = toText(body);
  if (kind === KIND.text) {
    const extras = extensionText(wire, TAG.extras);
    return { type: 'text', text, ...(extras && { extras: json(extras) }) };
  }
  const value = JSON.parse(text) as Json;
  if (kind === KIND.custom) return { type: 'custom', body: object(value) };
  const extras = value.extras ? { extras: object(value.extras) } : {};
  switch (kind) {
    case KIND.image:
      return { type: 'image', media: readMedia(value), ...extras };
    case KIND.voice:
      return { type: 'voice', media: readMedia(value), duration: number(value.duration), ...extras };
    case KIND.file:
      return { type: 'file', media: readMedia(value), ...extras };
    case KIND.video: {
      const thumb = value.thumb ? { thumb: readMedia(value.thumb) } : {};
      return { type: 'video', media: readMedia(value.video), duration: number(value.duration), ...thumb, ...extras };
    }
    default: {
      const { latitude, longitude, scale, label, lable } = value;
      return {
        type: 'location',
        latitude: number(latitude),
        longitude: number(longitude),
        scale: number(scale),
        label: String(label ?? lable ?? ''),
        ...extras,
      };
    }
  }
}

export const announcement = ({ id, text, publisher, at_ms, pinned_ms }: Body): Announcement => ({
  id,
  text,
  publisher,
  time: at_ms,
  pinnedAt: pinned_ms,
});

function decodeEvent(wire: Wire): GroupEvent {
  const { kind, by, users, new_owner } = decodeStruct('Event', wire.body);
  const event: GroupEvent = { type: 'event', event: kind, by, users, newOwner: new_owner };
  const at = (tag: number) => extensionNumber(wire, tag);
  const struct = (name: string, tag: number) => {
    const value = extension(wire, tag);
    return value && decodeStruct(name, value);
  };
  const change = at(40);
  if (change !== undefined) event.change = change;
  if (kind === 65 && change === 1) event.silentUntil = at(41) ?? Infinity;
  if (at(42) !== undefined) event.isPublic = at(42) === 2;
  if (at(43) !== undefined) event.maximum = at(43)!;
  const nickname = struct('Nicknames', 44);
  if (nickname) event.nickname = { before: nickname.before, after: nickname.after };
  const about = struct('Announcement', 45);
  if (about) event.announcement = announcement(about);
  for (const [tag, name] of [
    [TAG.groupName, 'name'],
    [47, 'description'],
    [48, 'avatar'],
  ] as const) {
    const text = extensionText(wire, tag);
    if (text !== undefined) event[name] = text;
  }
  return event;
}

export function toMessage(user: string, chat: ChatKey, stored: StoredMessage, unreadBy?: number): Message {
  const { position, from, at_ms, local, isEdited } = stored;
  return {
    chat: wireChat(chat) as Message['chat'],
    msgId: position,
    from,
    isOwn: from === user,
    time: at_ms,
    content: decodeContent(stored),
    options: decodeOptions(stored),
    ...(local !== undefined && { localId: local }),
    ...(isEdited && { isEdited }),
    ...(unreadBy !== undefined && { unreadBy }),
  };
}

export const toRoomMessage = (user: string, room: number, record: Rec): RoomMessage => ({
  room,
  msgId: record.position,
  from: record.from,
  isOwn: record.from === user,
  time: record.at_ms,
  content: decodeContent(record),
  options: decodeOptions(record),
});

export function toOutgoing(
  entry: Entry,
  state: OutgoingMessage['state'],
  sent?: { msgId: number; time: number },
): OutgoingMessage {
  const { local, chat, createdAt, code, error } = entry;
  return {
    localId: local,
    to: targetOf(chat),
    content: decodeContent(entry) as Content,
    options: decodeOptions(entry),
    createdAt,
    state,
    ...sent,
    ...(code !== undefined && { code, error: error ?? '' }),
  };
}

export function toNotice(record: Rec): Notice | undefined {
  try {
    const { kind, detail, by, users, group, text, request, extensions } = decodeStruct('Notice', record.body);
    let last = 0;
    const steps = extension({ extensions }, TAG.messages);
    const messages = steps ? readVarints(steps).map((step) => (last += step)) : [];
    return { msgId: record.position, time: record.at_ms, kind, detail, by, users, group, text, request, messages };
  } catch {
    return undefined;
  }
}

export function toPush({ msg_id, at_ms, content, replaces }: PushRecord): Push {
  const { notification, message } = content;
  const push: Push = { msgId: msg_id, time: at_ms };
  if (replaces !== undefined) push.replaces = replaces;
  if (notification) {
    const { alert, title, extras, options } = notification;
    push.notification = { alert, title, extras: json(extras), options: json(options) };
  }
  if (message) {
    const { content: text, title, content_type: contentType, extras } = message;
    push.message = { content: text, title, contentType, extras: json(extras) };
  }
  return push;
}
