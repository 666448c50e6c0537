/** Addresses of pictures and contents of voice messages, each asked for once while it is good. */

import { shallowReactive } from 'vue';
import { client, eachSession } from './session.js';

interface Address {
  url: string;
  expires: number;
}

const addresses = shallowReactive(new Map<string, Address>());
const asked = new Map<string, Promise<string>>();
const blobs = new Map<string, Promise<string>>();
const FRESH_FOR_MS = 60_000;
const BLOBS_KEPT = 60;

eachSession(
  () => undefined,
  () => {
    addresses.clear();
    asked.clear();
    for (const [id] of blobs) dropBlob(id);
  },
);

/** The address if it is known; else it comes by itself. Empty until then. */
export function addressOf(mediaId: string, isSmall = false): string {
  if (mediaId === '') return '';
  const known = addresses.get(`${isSmall ? 's' : 'l'}${mediaId}`);
  if (known && known.expires > Date.now() + FRESH_FOR_MS) return known.url;
  void address(mediaId, isSmall).catch(() => undefined);
  return known?.url ?? '';
}

/** Only addresses of this server's own: pictures from elsewhere would tell others who looks at them. */
function own(url: string): string {
  const whole = new URL(url, location.origin);
  return whole.origin === location.origin ? whole.href : '';
}

export function address(mediaId: string, isSmall = false): Promise<string> {
  const key = `${isSmall ? 's' : 'l'}${mediaId}`;
  const known = addresses.get(key);
  if (known && known.expires > Date.now() + FRESH_FOR_MS) return Promise.resolve(known.url);
  const running = asked.get(key);
  if (running) return running;
  const asking = client().media.address(mediaId, isSmall)
    .then(({ url, expires }) => {
      const checked = own(url);
      addresses.set(key, { url: checked, expires });
      return checked;
    })
    .finally(() => asked.delete(key));
  asked.set(key, asking);
  return asking;
}

/** The whole file as an address of this page; the newest few are kept. */
export function blobOf(mediaId: string, type: string): Promise<string> {
  const known = blobs.get(mediaId);
  if (known) return known;
  const made = client().media.download(mediaId).then((file) => URL.createObjectURL(new Blob([file], { type })));
  blobs.set(mediaId, made);
  made.catch(() => blobs.delete(mediaId));
  const oldest = blobs.keys().next().value;
  if (blobs.size > BLOBS_KEPT && oldest !== undefined) dropBlob(oldest);
  return made;
}

function dropBlob(mediaId: string): void {
  const made = blobs.get(mediaId);
  blobs.delete(mediaId);
  made?.then((url) => URL.revokeObjectURL(url), () => undefined);
}
