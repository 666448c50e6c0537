/** Error codes in words; a code that has none is named, so that support can look it up. */

import { AnserError } from '@anser/client';
import { t, type WordKey } from '../i18n/index.js';
import { byteLength } from '../logic/limits.js';

const TEXTS: Record<number, WordKey> = {
  800005: 'error.noUser', 800006: 'error.noUser', 801003: 'error.noUser', 803003: 'error.noUser', 898002: 'error.noUser',
  805001: 'error.noUser', 810005: 'error.noUser', 811005: 'error.noUser',
  801004: 'error.badPassword', 898004: 'error.badPassword', 801006: 'error.disabled', 898001: 'error.exists',
  882002: 'error.exists', 880007: 'error.registrationOff', 803008: 'error.blocked', 803005: 'error.notMember',
  800019: 'error.notMember', 803012: 'error.silenced', 847002: 'error.silenced', 803010: 'error.tooFast',
  800017: 'error.tooFast', 803007: 'error.tooLong', 803009: 'error.sensitive', 855001: 'error.late',
  800020: 'error.permission', 808002: 'error.permission', 765002: 'error.permission', 811006: 'error.permission',
  810008: 'error.groupFull', 805002: 'error.alreadyFriend', 859001: 'error.alreadyMember', 810007: 'error.alreadyMember',
  856003: 'error.alreadyAsked', 859002: 'error.privateGroup', 800018: 'error.noGroup', 803004: 'error.noGroup',
  898006: 'error.noGroup', 851006: 'error.roomFull', 851007: 'error.roomBanned', 871310: 'error.network',
  871201: 'error.network', 871102: 'error.network', 11: 'error.network', 210: 'error.tooLarge', 6: 'error.tooFast',
  7: 'error.busy', 13: 'error.busy', 871402: 'error.uploadFailed', 871404: 'error.downloadFailed',
  808004: 'error.nameTooLong', 812003: 'error.nameTooLong', 808005: 'error.descriptionTooLong',
  812004: 'error.descriptionTooLong', 880005: 'error.cancelled',
};

export function codeText(code: number): string {
  const key = TEXTS[code];
  return key ? t(key) : t('error.generic', { code });
}

export function errorText(error: unknown): string {
  if (error instanceof AnserError) return codeText(error.code);
  return error instanceof Error && error.message ? error.message : t('app.failed');
}

/** What is to be said of a text that is longer, if it is. */
export const tooLong = (text: string, most: number): string => (byteLength(text) > most ? t('profile.tooLong', { n: most }) : '');
