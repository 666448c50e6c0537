/** System notices and the sound for messages that come while nobody looks at the page, from one tab alone; pushes. */

import type { Client, Message, Push } from '@anser/client';
import { toast } from '@anser/ui';
import { ref, watchEffect } from 'vue';
import { t } from '../i18n/index.js';
import { keyOf } from '../logic/keys.js';
import { isMuted, title } from './chats.js';
import { chatName, contentText } from './describe.js';
import { nameOf } from './people.js';
import { client, eachClient, eachSession, session } from './session.js';
import { settings } from './settings.js';
import { openChat } from './ui.js';

/** Locks say across tabs who tells and whether anybody looks; a closed tab lets go of its own. */
const lockName = (of: 'tell' | 'look'): string => `anser-im-${of}-${session.appKey}-${session.user}`;

const permission = (): NotificationPermission => ('Notification' in window ? Notification.permission : 'denied');
/** What the browser lets this page do; one without notices counts as one that denies them. */
export const noticePermission = ref(permission());

let isTeller = false;
let stopTelling: (() => void) | undefined;
let stopLooking: (() => void) | undefined;

function hold(name: string, mode: LockMode, got: () => void): () => void {
  const abort = new AbortController();
  let release: (() => void) | undefined;
  navigator.locks
    .request(name, { mode, signal: abort.signal }, () => {
      got();
      return new Promise<void>((resolve) => (release = resolve));
    })
    .catch(() => undefined);
  return () => (release ? release() : abort.abort());
}

function look(): void {
  stopLooking?.();
  stopLooking = undefined;
  if (session.phase === 'chat' && document.visibilityState === 'visible') {
    stopLooking = hold(lockName('look'), 'shared', () => undefined);
  }
}

document.addEventListener('visibilitychange', () => {
  look();
  // The browser's own settings may say something else since.
  noticePermission.value = permission();
});

eachSession(
  (on) => {
    stopTelling = hold(lockName('tell'), 'exclusive', () => (isTeller = true));
    look();
    on('message', (message) => void tell(message));
  },
  () => {
    stopTelling?.();
    stopLooking?.();
    stopTelling = undefined;
    stopLooking = undefined;
    isTeller = false;
  },
);

/** Messages that were waiting are not told one by one: what is older than this was missed, not new. */
const NEW_WITHIN_MS = 60_000;

async function tell(message: Message): Promise<void> {
  const isLine = message.content.type === 'event' || message.content.type === 'retracted';
  if (message.isOwn || isLine || !isTeller || message.options.noNotification) return;
  if (isMuted(message.chat) || client().now() - message.time > NEW_WITHIN_MS) return;
  const held = (await navigator.locks.query()).held ?? [];
  if (held.some(({ name }) => name === lockName('look'))) return;
  if (settings.sound) chime();
  if (settings.desktop) notify(message);
}

function notify(message: Message): void {
  if (permission() !== 'granted') return;
  const { notice, fromName } = message.options;
  const key = keyOf(message.chat);
  const from = fromName || nameOf(message.from);
  const said = notice?.alert || contentText(message.content);
  const body = 'group' in message.chat ? `${from}: ${said}` : said;
  try {
    const shown = new Notification(notice?.title || chatName(key) || t('notice.newMessage'), { body, tag: key, silent: true });
    shown.onclick = () => {
      window.focus();
      openChat(key);
      shown.close();
    };
  } catch {
    // Phones allow notices from service workers only; the title still counts.
    return;
  }
}

/** To be called from a click: browsers ask the user only then. */
export async function askForNotices(): Promise<void> {
  if (permission() === 'default') await Notification.requestPermission();
  noticePermission.value = permission();
}

/** A push is for everybody with this page; while nobody looks at it, the SDK makes it a notice of the system. */
function showPush(made: Client, { msgId, notification }: Push): void {
  if (!notification?.alert || document.visibilityState !== 'visible') return;
  const { title: heading, alert } = notification;
  toast(heading ? `${heading}: ${alert}` : alert);
  made.push.report('shown', [msgId]).catch(() => undefined);
}

eachClient((made) => made.on('push', (push) => showPush(made, push)));

let audio: AudioContext | undefined;

/** Two short tones, made here. */
function chime(): void {
  try {
    audio ??= new AudioContext();
    const now = audio.currentTime;
    [660, 880].forEach((frequency, at) => {
      const tone = audio!.createOscillator();
      const volume = audio!.createGain();
      tone.frequency.value = frequency;
      volume.gain.setValueAtTime(0.08, now + at * 0.12);
      volume.gain.exponentialRampToValueAtTime(0.0001, now + at * 0.12 + 0.25);
      tone.connect(volume).connect(audio!.destination);
      tone.start(now + at * 0.12);
      tone.stop(now + at * 0.12 + 0.26);
    });
  } catch {
    return;
  }
}

watchEffect(() => {
  document.title = title.value;
});
