/** What is sent: which kind a file is, how large it may be, how it is drawn small. */

import type { Content } from '@anser/client';

export type FileKind = 'image' | 'video' | 'file';

/** The server's limit for one file unless the operator set another; the server has the last word. */
export const FILE_BYTES_MAX = 8 * 1024 * 1024;
export const FILES_AT_ONCE_MAX = 9;
/** Pictures are shown within this many pixels. */
export const PICTURE_WIDTH_MAX = 280;
export const PICTURE_HEIGHT_MAX = 300;

const IMAGES = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/bmp']);

export function kindOf(type: string): FileKind {
  if (IMAGES.has(type)) return 'image';
  return type.startsWith('video/') ? 'video' : 'file';
}

/** The size of a picture in a chat: its shape is kept, and nothing moves when it has loaded. */
export function shownSize(width = 0, height = 0): { width: number; height: number } {
  if (!(width > 0) || !(height > 0)) return { width: 160, height: 120 };
  const scale = Math.min(1, PICTURE_WIDTH_MAX / width, PICTURE_HEIGHT_MAX / height);
  return { width: Math.max(48, Math.round(width * scale)), height: Math.max(48, Math.round(height * scale)) };
}

export type FileGroup = 'image' | 'document' | 'video' | 'audio' | 'other';

const DOCUMENTS = new Set('pdf doc docx xls xlsx ppt pptx txt md csv odt ods odp rtf epub pages key numbers'.split(' '));
const VIDEOS = new Set('mp4 webm mov mkv avi m4v'.split(' '));
const AUDIO = new Set('mp3 m4a ogg opus wav flac aac amr'.split(' '));
const PICTURES = new Set('png jpg jpeg gif bmp webp avif svg heic'.split(' '));

/** Where a message stands in the panel of files; nothing for what is no file. */
export function groupOfFile(content: Content | { type: string }): FileGroup | undefined {
  if (content.type === 'image' || content.type === 'video') return content.type;
  if (content.type === 'voice') return 'audio';
  if (content.type !== 'file') return undefined;
  const name = (content as { media: { fname?: string } }).media.fname ?? '';
  const ending = name.toLowerCase().split('.').pop() ?? '';
  if (DOCUMENTS.has(ending)) return 'document';
  if (VIDEOS.has(ending)) return 'video';
  if (PICTURES.has(ending)) return 'image';
  return AUDIO.has(ending) ? 'audio' : 'other';
}
