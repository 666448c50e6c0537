/** Files on their way: shown in the chat at once, with progress, cancelling and trying again. */

import type { Content, Media } from '@anser/client';
import { shallowReactive, triggerRef, shallowRef } from 'vue';
import type { ChatKey } from '../logic/keys.js';
import { kindOf } from '../logic/files.js';
import type { Shown } from '../logic/thread.js';
import { errorText } from './errors.js';
import { lookAtFilm, lookAtPicture } from './pictures.js';
import { sendContent } from './send.js';
import { client, eachSession, session } from './session.js';

interface Upload {
  id: number;
  chat: ChatKey;
  file: Blob;
  name: string;
  /** Of a voice message: its length. */
  seconds?: number;
  asFile: boolean;
  progress: number;
  error: string;
  preview: string;
  at: number;
  content: Content;
  abort: AbortController;
  /** It goes once this has settled: files that were chosen together stand in the order of choosing. */
  before: Promise<unknown>;
  end: (isSent: boolean) => void;
}

export interface FileSending {
  /** The first try is over, however it went. */
  tried: Promise<void>;
  /** Whether it went in the end, or was given up. */
  ended: Promise<boolean>;
}

interface FileOptions {
  seconds?: number;
  asFile?: boolean;
  before?: Promise<unknown>;
}

const uploads = shallowReactive(new Map<number, Upload>());
const change = shallowRef(0);
let last = 0;

eachSession(
  () => undefined,
  () => {
    for (const upload of uploads.values()) drop(upload);
  },
);

addEventListener('beforeunload', (event) => {
  // What is not yet on the server would be lost without a word.
  if ([...uploads.values()].some(({ error }) => error === '')) event.preventDefault();
});

export function uploadsOf(chat: ChatKey): Shown[] {
  void change.value;
  return [...uploads.values()].filter((upload) => upload.chat === chat).map(shown);
}

function shown(upload: Upload): Shown {
  return {
    key: `f${upload.id}`,
    msgId: 0,
    localId: 0,
    from: session.user,
    isOwn: true,
    time: upload.at,
    content: upload.content,
    options: {},
    state: upload.error ? 'failed' : 'sending',
    isEdited: false,
    upload: { id: upload.id, progress: upload.progress, preview: upload.preview, error: upload.error },
  };
}

const NO_MEDIA: Media = { media_id: '', media_crc32: 0, fsize: 0 };

function first(file: Blob, name: string, seconds: number | undefined, asFile: boolean): Content {
  const media: Media = { ...NO_MEDIA, fsize: file.size, fname: name };
  if (seconds !== undefined) return { type: 'voice', media, duration: seconds };
  const kind = asFile ? 'file' : kindOf(file.type);
  return kind === 'video' ? { type: 'video', media, duration: 0 } : { type: kind, media };
}

/** Begins to send a file. */
export function sendFile(chat: ChatKey, file: Blob, name: string, more: FileOptions = {}): FileSending {
  last += 1;
  let end = (_isSent: boolean): void => undefined;
  const ended = new Promise<boolean>((resolve) => (end = resolve));
  const content = first(file, name, more.seconds, more.asFile ?? false);
  const upload: Upload = {
    id: last,
    chat,
    file,
    name,
    seconds: more.seconds,
    asFile: more.asFile ?? false,
    progress: 0,
    error: '',
    preview: content.type === 'image' ? URL.createObjectURL(file) : '',
    at: client().now(),
    content,
    abort: new AbortController(),
    before: more.before ?? Promise.resolve(),
    end,
  };
  uploads.set(upload.id, upload);
  change.value += 1;
  return { tried: run(upload), ended };
}

async function run(upload: Upload): Promise<void> {
  try {
    const content = await uploaded(upload);
    await upload.before;
    upload.abort.signal.throwIfAborted();
    await sendContent(upload.chat, content);
    drop(upload, true);
  } catch (error) {
    if (upload.abort.signal.aborted) return;
    upload.error = errorText(error);
    change.value += 1;
  }
}

async function uploaded(upload: Upload): Promise<Content> {
  const { content, file } = upload;
  if (content.type === 'voice') {
    const media = await put(upload, file, 'voice', upload.name, [0, 1]);
    return { ...content, media: { ...media, format: file.type.split('/')[1] ?? 'webm' } };
  }
  if (content.type === 'image') {
    const { width, height, thumb } = await lookAtPicture(file);
    upload.content = { ...content, media: { ...content.media, width, height } };
    const media = await put(upload, file, 'image', upload.name, [0, thumb ? 0.9 : 1]);
    if (thumb) await put(upload, thumb, 'image', upload.name, [0.9, 1], media.media_id);
    return { type: 'image', media: { ...media, width, height, format: file.type.slice('image/'.length) } };
  }
  if (content.type === 'video') {
    const { width, height, seconds, thumb } = await lookAtFilm(file);
    const small = thumb ? await put(upload, thumb, 'image', 'picture.jpg', [0, 0.1]) : undefined;
    const media = await put(upload, file, 'file', upload.name, [small ? 0.1 : 0, 1]);
    const shape = { width, height, format: 'jpeg' };
    return {
      type: 'video',
      media: { ...media, fname: upload.name },
      duration: seconds,
      ...(small ? { thumb: { ...small, ...shape } } : {}),
    };
  }
  const media = await put(upload, file, 'file', upload.name, [0, 1]);
  return { type: 'file', media: { ...media, fname: upload.name } };
}

function put(
  upload: Upload, file: Blob, kind: 'image' | 'voice' | 'file', name: string, [from, to]: [number, number], thumbOf?: string,
): Promise<Media> {
  return client().media.upload(file, {
    kind,
    name,
    ...(thumbOf ? { thumbOf } : {}),
    signal: upload.abort.signal,
    onProgress: (done) => {
      upload.progress = from + (to - from) * done;
      triggerRef(change);
    },
  });
}

function drop(upload: Upload, isSent = false): void {
  upload.abort.abort();
  upload.end(isSent);
  if (upload.preview) URL.revokeObjectURL(upload.preview);
  uploads.delete(upload.id);
  change.value += 1;
}

export function cancelUpload(id: number): void {
  const upload = uploads.get(id);
  if (upload) drop(upload);
}

export function retryUpload(id: number): void {
  const upload = uploads.get(id);
  if (!upload || upload.error === '') return;
  upload.error = '';
  upload.progress = 0;
  change.value += 1;
  void run(upload);
}
