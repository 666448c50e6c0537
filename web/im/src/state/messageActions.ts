/** What can be done with a message, as the menu offers it. */

import { ask, toast, type MenuItem } from '@anser/ui';
import type { ReceivedContent } from '@anser/client';
import { shallowReactive } from 'vue';
import { t } from '../i18n/index.js';
import { chatOf, type ChatKey } from '../logic/keys.js';
import type { Shown } from '../logic/thread.js';
import { cardOf, contentText } from './describe.js';
import { errorText } from './errors.js';
import { address } from './media.js';
import { resend } from './send.js';
import { client, eachSession } from './session.js';
import { ui } from './ui.js';
import { cancelUpload, retryUpload } from './uploads.js';

/** Texts that were taken back in this page, so that they can be written anew. */
const lost = shallowReactive(new Map<number, string>());
/** Composers listen for texts to be put into them. */
type Writer = (chat: string, text: string) => void;
const writers = new Set<Writer>();

eachSession(() => undefined, () => lost.clear());

export const RETRACT_WITHIN_MS = 3 * 60_000;

export function onWrite(writer: Writer): () => void {
  writers.add(writer);
  return () => writers.delete(writer);
}

export function lostText(item: Shown): string {
  return item.content.type === 'retracted' ? (lost.get(item.msgId) ?? '') : '';
}

export function draftAgain(chat: string, item: Shown): void {
  for (const write of writers) write(chat, lostText(item));
}

const run = (work: () => Promise<unknown>) => () => void work().catch((error: unknown) => toast(errorText(error), true));

export function sendAgain(item: Shown): void {
  if (item.upload) retryUpload(item.upload.id);
  else run(() => resend(item.localId))();
}

async function copy(text: string): Promise<void> {
  await navigator.clipboard.writeText(text);
  toast(t('app.copied'));
}

export async function save(mediaId: string, name: string): Promise<void> {
  const link = document.createElement('a');
  link.href = await address(mediaId);
  link.download = name;
  link.rel = 'noopener';
  link.click();
}

/** The file of a message and what to call it. */
export function fileOf(content: ReceivedContent): { mediaId: string; name: string } | undefined {
  if (content.type !== 'image' && content.type !== 'file' && content.type !== 'video' && content.type !== 'voice') return undefined;
  const { media_id: mediaId, fname, format } = content.media;
  return { mediaId, name: fname || `${content.type}.${format || mediaId.split('.').pop() || 'bin'}` };
}

async function discard(item: Shown): Promise<void> {
  if (item.upload) {
    cancelUpload(item.upload.id);
    return;
  }
  await client().messages.discard(item.localId);
}

async function remove(chat: string, item: Shown): Promise<void> {
  const of = chatOf(chat);
  if (of) await client().messages.delete(of, item.msgId);
}

async function retract(item: Shown): Promise<void> {
  const text = item.content.type === 'text' ? item.content.text : '';
  await client().messages.retract(item.msgId);
  if (text) lost.set(item.msgId, text);
}

export function actionsOf(chat: string, item: Shown, reply: () => void): MenuItem[] {
  const { content } = item;
  const items: MenuItem[] = [];
  const isStored = chatOf(chat) !== undefined;
  if (item.state === 'failed') {
    items.push({ label: t('chat.retry'), icon: 'refresh', run: () => sendAgain(item) });
    items.push({ label: t('chat.discard'), icon: 'trash', isDangerous: true, run: run(() => discard(item)) });
    return items;
  }
  if (item.upload) return [{ label: t('message.cancelUpload'), icon: 'close', run: run(() => discard(item)) }];
  if (item.state !== 'sent') {
    items.push({ label: t('message.cancelUpload'), icon: 'close', run: run(() => client().messages.cancel(item.localId)) });
  }
  if (content.type === 'text' && !cardOf(content)) {
    items.push({ label: t('chat.copyText'), icon: 'copy', run: run(() => copy(content.text)) });
  }
  const file = fileOf(content);
  if (file) {
    const label = t(content.type === 'image' ? 'chat.saveImage' : 'chat.downloadFile');
    items.push({ label, icon: 'download', run: run(() => save(file.mediaId, file.name)) });
  }
  if (item.msgId === 0) return items;
  if (isStored && content.type !== 'unknown') items.unshift({ label: t('chat.reply'), icon: 'reply', run: reply });
  if (isStored && content.type !== 'unknown') {
    items.push({ label: t('chat.forward'), icon: 'forward', run: () => (ui.overlay = { kind: 'forward', item, from: chat as ChatKey }) });
  }
  if (isStored && item.isOwn && client().now() - item.time < RETRACT_WITHIN_MS) {
    items.push({ label: t('chat.retract'), icon: 'history', run: run(() => retract(item)) });
  }
  if (isStored && item.isOwn && item.options.needReceipt && chat.startsWith('g:')) {
    items.push({ label: t('readers.title'), icon: 'eye', run: () => (ui.overlay = { kind: 'readers', item }) });
  }
  if (isStored) {
    items.push({ label: t('chat.deleteForMe'), icon: 'trash', isDangerous: true, run: () => void askToRemove(chat, item) });
  }
  return items;
}

function askToRemove(chat: string, item: Shown): Promise<boolean> {
  return ask({
    title: t('chat.deleteForMe'),
    text: contentText(item.content),
    action: t('app.remove'),
    isDangerous: true,
    run: () => remove(chat, item),
  });
}
