/** Plays voice messages, one at a time, and remembers which were played; records new ones. */

import type { Media } from '@anser/client';
import { reactive, shallowReactive } from 'vue';
import { blobOf } from './media.js';
import { eachSession, session } from './session.js';

export const player = reactive({ mediaId: '', at: 0 });

const PLAYED_KEPT = 500;
const played = shallowReactive(new Set<string>());
const key = (): string => `anser-im.played.${session.appKey}.${session.user}`;
let sound: HTMLAudioElement | undefined;

eachSession(
  () => {
    played.clear();
    try {
      const value: unknown = JSON.parse(localStorage.getItem(key()) ?? '[]');
      if (Array.isArray(value)) for (const id of value) if (typeof id === 'string') played.add(id);
    } catch {
      return;
    }
  },
  () => stop(),
);

export const isPlayed = (mediaId: string): boolean => played.has(mediaId);

function remember(mediaId: string): void {
  played.add(mediaId);
  try {
    localStorage.setItem(key(), JSON.stringify([...played].slice(-PLAYED_KEPT)));
  } catch {
    return;
  }
}

export function stop(): void {
  sound?.pause();
  sound = undefined;
  player.mediaId = '';
  player.at = 0;
}

const TYPES: Record<string, string> = { mp4: 'audio/mp4', m4a: 'audio/mp4', mp3: 'audio/mpeg', ogg: 'audio/ogg', wav: 'audio/wav' };

export async function togglePlay(media: Media): Promise<void> {
  const isSame = player.mediaId === media.media_id;
  stop();
  if (isSame) return;
  player.mediaId = media.media_id;
  // Another one may be started while this one is fetched, or begins.
  const isOther = (): boolean => player.mediaId !== media.media_id;
  try {
    const url = await blobOf(media.media_id, TYPES[media.format ?? ''] ?? 'audio/webm');
    if (isOther()) return;
    const made = new Audio(url);
    sound = made;
    made.addEventListener('timeupdate', () => (player.at = made.currentTime));
    made.addEventListener('ended', stop);
    await made.play();
    remember(media.media_id);
  } catch (error) {
    // One that was stopped on purpose is no fault.
    if (isOther()) return;
    stop();
    throw error;
  }
}

export interface Recording {
  blob: Blob;
  seconds: number;
  format: string;
}

export interface Recorder {
  /** Ends the recording; nothing where it was too short to be heard. */
  finish(): Promise<Recording | undefined>;
  discard(): void;
}

const FORMATS = ['audio/webm;codecs=opus', 'audio/mp4', 'audio/ogg;codecs=opus'];
const SHORTEST_MS = 500;

/** Fails when there is no microphone or the user does not allow it. */
export async function record(): Promise<Recorder> {
  stop();
  const stream = await navigator.mediaDevices.getUserMedia({ audio: true });
  const mimeType = FORMATS.find((format) => MediaRecorder.isTypeSupported(format));
  const recorder = new MediaRecorder(stream, mimeType ? { mimeType } : {});
  const parts: Blob[] = [];
  const begun = performance.now();
  recorder.addEventListener('dataavailable', ({ data }) => parts.push(data));
  recorder.start(1000);
  const end = (): void => {
    if (recorder.state !== 'inactive') recorder.stop();
    for (const track of stream.getTracks()) track.stop();
  };
  return {
    async finish() {
      const ms = performance.now() - begun;
      const stopped = new Promise((resolve) => recorder.addEventListener('stop', resolve, { once: true }));
      end();
      await stopped;
      if (ms < SHORTEST_MS) return undefined;
      const type = recorder.mimeType.split(';')[0] ?? 'audio/webm';
      return { blob: new Blob(parts, { type }), seconds: Math.max(1, Math.round(ms / 1000)), format: type.split('/')[1] ?? 'webm' };
    },
    discard: end,
  };
}
