/** Messages on their way to the server, and what it answers. */
import type { Body } from '../codec.js';
import { isPassing } from '../errors.js';
import type { Session } from './session.js';
import type { Entry, SessionEvent } from './types.js';

export function onSent(session: Session, { outbox, position, at_ms }: Body): void {
  const entry = session.outbox.handleAnswered(outbox);
  if (!entry) return;
  if (entry.chat[0] === 'r') session.rooms.noteOwn(Number(entry.chat.slice(1)), position);
  finishSend(session, entry, position, at_ms);
}

/** A record that this device sent came back from the log: that answers it, if the answer itself was lost. */
export function onOwnRecord(session: Session, outbox: number, position: number, at_ms: number): void {
  const entry = session.outbox.handleOwnRecord(outbox);
  if (entry) finishSend(session, entry, position, at_ms);
}

function finishSend(session: Session, entry: Entry, position: number, at_ms: number): void {
  session.write({ op: 'sent', entry, position, at_ms });
  const event: SessionEvent = { type: 'outgoing', entry, state: 'sent', msgId: position, time: at_ms };
  session.then({ type: 'emit', event });
}

export function onSendRefused(session: Session, { outbox, code, message }: Body): void {
  if (isPassing(code)) {
    const entry = session.outbox.handleRefusedForNow(outbox, session.config.random, session.now);
    if (entry) session.emit({ type: 'outgoing', entry, state: 'delayed' });
    return session.tellDelay(code, message);
  }
  const refused = session.outbox.handleAnswered(outbox);
  if (!refused) return;
  const entry = { ...refused, code, error: message };
  session.outbox.failed.set(entry.local, entry);
  session.write({ op: 'outbox', entry });
  session.then({ type: 'emit', event: { type: 'outgoing', entry, state: 'failed' } });
}

export function storeEntry(session: Session, entry: Entry): void {
  if (entry.number === null) return;
  session.write({ op: 'outbox', entry });
  session.then({ type: 'outbox', local: entry.local, number: entry.number });
}

export function writeSends(session: Session): void {
  for (let entry; session.sync && (entry = session.outbox.nextToSend(session.sync.user, session.now)); ) {
    const { chat, number: outbox, kind, body, extensions } = entry;
    const place = chat.slice(1);
    if (chat[0] === 'r') session.transmit('RoomSend', { outbox, room: Number(place), kind, body, extensions });
    else
      session.transmit('Send', {
        outbox,
        chat: chat[0] === 'u' ? { user: place } : { group: Number(place) },
        kind,
        body,
        extensions,
      });
    session.emit({ type: 'outgoing', entry, state: 'sending' });
  }
}
