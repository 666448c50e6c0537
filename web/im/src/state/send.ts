/** Sending from this page, with what the user wishes for every message. */

import type { Content, SendOptions } from '@anser/client';
import { targetOf, type ChatKey } from '../logic/keys.js';
import { client } from './session.js';
import { settings } from './settings.js';

/** Resolves when the message is safe in this browser: from then on it goes by itself. */
export async function sendContent(key: ChatKey, content: Content, options: SendOptions = {}): Promise<void> {
  const target = targetOf(key);
  if (!target) return;
  const asks = settings.receipts && !('room' in target) ? { needReceipt: true } : {};
  const sending = await client().messages.send(target, content, { ...asks, ...options });
  // How it ends is shown at the message.
  sending.sent.catch(() => undefined);
}

export async function resend(localId: number): Promise<void> {
  const sending = await client().messages.resend(localId);
  sending.sent.catch(() => undefined);
}
