/** Reads pictures and films before they are sent: their size, how long they are, and a small picture. */

const THUMB_WIDTH = 560;
const THUMB_HEIGHT = 600;
/** The server takes small pictures up to this. */
const THUMB_BYTES_MAX = 256 * 1024;
/** Below this the picture itself is small enough. */
const SMALL_BYTES = 64 * 1024;
const FILM_WAIT_MS = 10_000;

export interface Looked {
  width: number;
  height: number;
  /** Absent where the picture is small itself. */
  thumb?: Blob;
}

/** Fails where the browser cannot show it. */
export async function lookAtPicture(file: Blob): Promise<Looked> {
  const bitmap = await createImageBitmap(file);
  const { width, height } = bitmap;
  try {
    const isSmall = file.size <= SMALL_BYTES && width <= THUMB_WIDTH * 2;
    return { width, height, ...(isSmall ? {} : { thumb: await drawnSmall(bitmap, width, height) }) };
  } finally {
    bitmap.close();
  }
}

async function drawnSmall(source: CanvasImageSource, width: number, height: number): Promise<Blob | undefined> {
  const scale = Math.min(1, THUMB_WIDTH / width, THUMB_HEIGHT / height);
  const canvas = document.createElement('canvas');
  canvas.width = Math.max(1, Math.round(width * scale));
  canvas.height = Math.max(1, Math.round(height * scale));
  const context = canvas.getContext('2d');
  if (!context) return undefined;
  // What is transparent would turn black in a JPEG.
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.drawImage(source, 0, 0, canvas.width, canvas.height);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.8));
  return blob && blob.size <= THUMB_BYTES_MAX ? blob : undefined;
}

export interface LookedFilm extends Looked {
  seconds: number;
}

/** A film that the browser cannot play has no size and no picture, and can be sent all the same. */
export async function lookAtFilm(file: Blob): Promise<LookedFilm> {
  const url = URL.createObjectURL(file);
  const film = document.createElement('video');
  film.muted = true;
  film.preload = 'auto';
  film.src = url;
  try {
    await happened(film, 'loadeddata');
    const { videoWidth: width, videoHeight: height } = film;
    const thumb = width > 0 ? await drawnSmall(film, width, height) : undefined;
    const seconds = Number.isFinite(film.duration) ? Math.max(1, Math.round(film.duration)) : 1;
    return { width, height, seconds, thumb };
  } catch {
    return { width: 0, height: 0, seconds: 1 };
  } finally {
    film.removeAttribute('src');
    URL.revokeObjectURL(url);
  }
}

function happened(film: HTMLVideoElement, event: 'loadeddata'): Promise<void> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new Error('late')), FILM_WAIT_MS);
    film.addEventListener(event, () => (clearTimeout(late), resolve()), { once: true });
    film.addEventListener('error', () => (clearTimeout(late), reject(new Error('cannot be played'))), { once: true });
  });
}

const AVATAR_PX = 320;

/** The middle of a picture, square and small, as profiles show it. */
export async function squarePicture(file: Blob): Promise<Blob> {
  const bitmap = await createImageBitmap(file);
  const side = Math.min(bitmap.width, bitmap.height);
  const canvas = document.createElement('canvas');
  canvas.width = canvas.height = Math.min(AVATAR_PX, side);
  const context = canvas.getContext('2d');
  if (!context) throw new Error('no canvas');
  context.fillStyle = '#ffffff';
  context.fillRect(0, 0, canvas.width, canvas.height);
  const [left, top] = [(bitmap.width - side) / 2, (bitmap.height - side) / 2];
  context.drawImage(bitmap, left, top, side, side, 0, 0, canvas.width, canvas.height);
  bitmap.close();
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.85));
  if (!blob) throw new Error('no picture');
  return blob;
}
