/** Chat rooms: those of the app, those the user is in, and what was said while this page was open. */

import type { Room, RoomMessage } from '@anser/client';
import { reactive, shallowReactive } from 'vue';
import { client, eachSession } from './session.js';
import { t } from '../i18n/index.js';
import { toast } from '@anser/ui';
import { closeChat, ui } from './ui.js';

/** Nothing of a room is kept anywhere; the page keeps what it heard, so that one can look elsewhere and come back. */
const KEPT = 300;

export const rooms = shallowReactive(new Map<number, Room>());
export const inside = reactive(new Set<number>());
const said = new Map<number, RoomMessage[]>();

type Hearer = (room: number, messages: RoomMessage[]) => void;
const hearers: Hearer[] = [];

export function onRoomMessages(hearer: Hearer): void {
  hearers.push(hearer);
}

eachSession(
  (on) => {
    on('roomMessages', ({ room, messages }) => {
      const known = new Set((said.get(room) ?? []).map(({ msgId }) => msgId));
      const fresh = messages.filter(({ msgId }) => !known.has(msgId));
      said.set(room, [...(said.get(room) ?? []), ...fresh].slice(-KEPT));
      for (const hear of hearers) hear(room, fresh);
    });
    on('roomChanged', ({ room, change }) => {
      if (change === 1) {
        inside.add(room);
        return;
      }
      inside.delete(room);
      if (ui.chat !== `r:${room}`) return;
      closeChat();
      toast(t(change === 3 ? 'rooms.banned' : change === 4 ? 'rooms.gone' : 'rooms.left'), true);
    });
  },
  () => {
    rooms.clear();
    inside.clear();
    said.clear();
  },
);

export function roomMessages(room: number): RoomMessage[] {
  return said.get(room) ?? [];
}

/** One page of the app's rooms; answers how many there are in all. */
export async function loadRooms(start: number, count: number): Promise<number> {
  const [page, mine] = await Promise.all([client().rooms.list(start, count), client().rooms.mine()]);
  for (const room of [...page.items, ...mine]) rooms.set(room.room, room);
  return page.total;
}

const IN_ALREADY = 851003;

export async function enterRoom(room: number): Promise<void> {
  if (!rooms.has(room)) for (const found of await client().rooms.get([room])) rooms.set(room, found);
  if (inside.has(room)) return;
  try {
    await client().rooms.enter(room);
  } catch (error) {
    if ((error as { code?: number }).code !== IN_ALREADY) throw error;
  }
  inside.add(room);
}

export async function leaveRoom(room: number): Promise<void> {
  await client().rooms.leave(room);
  inside.delete(room);
  said.delete(room);
}
