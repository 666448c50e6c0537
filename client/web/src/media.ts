/**
 * The bytes of files: over HTTPS beside the link, with tickets and addresses that the link gives. Both ways go on
 * after a cut.
 */
import type { Client, Media, UploadOptions } from './api.js';
import type { TabClient } from './client.js';
import { byteLength } from './codec.js';
import type { Body } from './codec.js';
import { AnserError, codeOf, fail } from './errors.js';
import { Backoff } from './session/pace.js';

/** Sent at a time, so that progress is seen. */
const PART_BYTES = 256 * 1024;
/** Without a byte of progress in between. */
const TRIES_MAX = 8;
const KINDS = { image: 1, file: 2, voice: 3 } as const;
const FORBIDDEN = 403;

const CRC_TABLE = Uint32Array.from({ length: 256 }, (_, index) => {
  let value = index;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

export function crc32(bytes: Uint8Array, before = 0): number {
  let value = ~before;
  for (const byte of bytes) value = CRC_TABLE[(value ^ byte) & 0xff]! ^ (value >>> 8);
  return ~value >>> 0;
}

/** It will fail again in the same way. */
class Final extends Error {}

function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, ms);
    signal?.addEventListener('abort', () => (clearTimeout(timer), reject(signal.reason)), { once: true });
  });
}

/** Repeats while there is progress now and then. */
async function persist<T>(
  name: 'UPLOAD_FAILED' | 'DOWNLOAD_FAILED',
  signal: AbortSignal | undefined,
  step: () => Promise<T | 'moved'>,
): Promise<T> {
  const backoff = new Backoff();
  for (let tries = 1; ; ) {
    try {
      if (signal?.aborted) throw fail('CANCELLED');
      const result = await step();
      if (result !== 'moved') return result as T;
      tries = 1;
      backoff.reset();
    } catch (error) {
      if (signal?.aborted) throw fail('CANCELLED');
      // The link asks again by itself; what it gives up is over.
      const isOver = error instanceof AnserError && !error.isPassing;
      if (isOver) throw error;
      if (error instanceof Final || tries++ >= TRIES_MAX) throw fail(name, error instanceof Error ? error.message : '');
      await pause(backoff.nextWait(Math.random), signal).catch(() => {});
    }
  }
}

export function mediaCalls(client: TabClient): Client['media'] {
  const fetching: typeof fetch = (...args) => (client.options.fetch ?? globalThis.fetch)(...args);
  const absolute = (url: string) => new URL(url, client.server.href.replace(/^ws/, 'http')).href;

  async function upload(
    bytes: Blob,
    { kind, name = '', thumbOf = '', onProgress, signal }: UploadOptions,
  ): Promise<Media> {
    if (!bytes.size) throw fail('FILE_MISSING', 'the file is empty');
    if (byteLength(name) > 250) throw fail('PARAMETER', 'a file name has at most 250 bytes');
    const sha256 = new Uint8Array(await crypto.subtle.digest('SHA-256', await bytes.arrayBuffer()));
    const ask = { kind: KINDS[kind], bytes: bytes.size, sha256, name, thumb_of: thumbOf };
    let url = '';
    let offset = -1;
    return persist<Media>('UPLOAD_FAILED', signal, async () => {
      const options = signal ? { signal } : {};
      if (!url) url = absolute((await client.request('MediaUpload', ask)).url);
      if (offset < 0) {
        const head = await fetching(url, { method: 'HEAD', ...options });
        if (!head.ok) return refused(head);
        offset = Number(head.headers.get('Upload-Offset'));
      }
      onProgress?.(offset / bytes.size);
      const end = Math.min(bytes.size, offset + PART_BYTES);
      // All is there: an empty part asks for the answer.
      const range = end > offset ? `bytes ${offset}-${end - 1}/${bytes.size}` : `bytes */${bytes.size}`;
      const before = offset;
      // Where a part was cut, only the server knows how much came.
      offset = -1;
      const put = await fetching(url, {
        method: 'PUT',
        headers: { 'Content-Range': range },
        body: bytes.slice(before, end),
        ...options,
      });
      if (put.status === 200) {
        onProgress?.(1);
        return (await put.json()) as Media;
      }
      if (put.status !== 202 && put.status !== 409) return refused(put);
      offset = Number(put.headers.get('Upload-Offset') ?? -1);
      return offset > before ? 'moved' : Promise.reject(new Error('nothing came'));
    });

    async function refused(response: Response): Promise<never> {
      // The ticket is over: the next try asks for another.
      url = '';
      offset = -1;
      const text = (await response.text().catch(() => '')).slice(0, 200);
      if (response.status >= 400 && response.status < 500 && response.status !== FORBIDDEN)
        throw new Final(`${response.status} ${text}`);
      throw new Error(`${response.status} ${text}`);
    }
  }

  const locate = (mediaId: string): Promise<Body> => client.request('MediaAddress', { media_id: mediaId });

  return {
    upload,
    address: async (mediaId, isThumb = false) => {
      const { url, expires_ms: expires, bytes, thumb_bytes: thumbBytes } = await locate(mediaId);
      const hasThumb = thumbBytes > 0;
      return { url: absolute(url + (isThumb && hasThumb ? '&thumb=1' : '')), expires, bytes, hasThumb };
    },
    download: async (mediaId, { thumb = false, onProgress, signal } = {}) => {
      let found: Body | null = null;
      let parts: Uint8Array<ArrayBuffer>[] = [];
      let type = '';
      const have = () => parts.reduce((sum, part) => sum + part.length, 0);
      return persist<Blob>('DOWNLOAD_FAILED', signal, async () => {
        found ??= await locate(mediaId);
        const isThumb = thumb && found.thumb_bytes > 0;
        const length: number = isThumb ? found.thumb_bytes : found.bytes;
        const crc: number = isThumb ? found.thumb_crc32 : found.crc32;
        const before = have();
        if (before < length) {
          const headers: Record<string, string> = before ? { Range: `bytes=${before}-` } : {};
          const response = await fetching(absolute(found.url + (isThumb ? '&thumb=1' : '')), {
            headers,
            ...(signal && { signal }),
          });
          if (response.status === FORBIDDEN) found = null;
          if (response.status === 404) throw new AnserError(codeOf('MEDIA_UNKNOWN'));
          if (!response.ok || !response.body) throw new Error(String(response.status));
          if (before && response.status !== 206) parts = [];
          type = response.headers.get('Content-Type') ?? '';
          const reader = response.body.getReader();
          try {
            for (let read; !(read = await reader.read()).done; ) {
              parts.push(read.value as Uint8Array<ArrayBuffer>);
              if (have() > length) throw new Final('longer than was said');
              onProgress?.(have() / length);
            }
          } catch (error) {
            if (have() > before && !(error instanceof Final)) return 'moved';
            throw error;
          }
        }
        if (have() < length) return have() > before ? 'moved' : Promise.reject(new Error('it was cut'));
        if (parts.reduce((sum, part) => crc32(part, sum), 0) !== crc)
          throw fail('MEDIA_DAMAGED', 'the checksum is wrong');
        return new Blob(parts, { type });
      });
    },
  };
}
