/**
 * The window of rows that are in the page, out of all that are loaded. A chat shows whole rows of any height; keeping a few
 * screens of them, and holding the row under the reader's eye still when the window moves, needs no guess of heights.
 */

export interface RowWindow {
  start: number;
  end: number;
}

export const WINDOW_ROWS = 90;
export const WINDOW_STEP = 30;

/** The newest rows. */
export function atEnd(count: number): RowWindow {
  return { start: Math.max(0, count - WINDOW_ROWS), end: count };
}

/** A window around one row. */
export function around(index: number, count: number): RowWindow {
  const start = Math.max(0, Math.min(index - WINDOW_ROWS / 2, count - WINDOW_ROWS));
  return { start, end: Math.min(count, start + WINDOW_ROWS) };
}

export function movedUp({ start, end }: RowWindow): RowWindow {
  const moved = Math.max(0, start - WINDOW_STEP);
  return { start: moved, end: Math.min(end, moved + WINDOW_ROWS) };
}

export function movedDown({ start, end }: RowWindow, count: number): RowWindow {
  const moved = Math.min(count, end + WINDOW_STEP);
  return { start: Math.max(start, moved - WINDOW_ROWS), end: moved };
}

/** Rows came in front: the same rows stay in the window. */
export function shifted({ start, end }: RowWindow, by: number): RowWindow {
  return { start: start + by, end: end + by };
}

/** How far to scroll so that a row that stood at `before` pixels from the top, and stands at `now`, stands there again. */
export function keepStill(scrollTop: number, before: number, now: number): number {
  return scrollTop + (now - before);
}

export const NEAR_EDGE_PX = 600;
export const AT_BOTTOM_PX = 48;

export function isAtBottom(box: { scrollTop: number; scrollHeight: number; clientHeight: number }): boolean {
  return box.scrollHeight - box.scrollTop - box.clientHeight <= AT_BOTTOM_PX;
}

/** For lists of rows of one height: which of them stand in or near the visible part. */
export function fixedRows(scrollTop: number, height: number, row: number, count: number, spare = 6): RowWindow {
  const start = Math.max(0, Math.floor(scrollTop / row) - spare);
  return { start: Math.min(start, count), end: Math.min(count, Math.ceil((scrollTop + height) / row) + spare) };
}
