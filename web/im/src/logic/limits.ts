/** How long texts may be: the server counts bytes of UTF-8, where an input's own limit counts UTF-16 units. */

export const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** Of groups, of people, and of people in groups. */
export const NAME_BYTES_MAX = 64;
/** Of descriptions, reasons, notes and what profiles say. */
export const TEXT_BYTES_MAX = 250;
export const ANNOUNCEMENT_BYTES_MAX = 1024;
