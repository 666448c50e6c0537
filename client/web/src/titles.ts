/** What users and groups are called. */

/** Group nickname, note name, nickname, username: the first that is there. */
export const displayName = (
  who: { username: string; nickname?: string; noteName?: string },
  groupNickname = '',
): string => groupNickname || who.noteName || who.nickname || who.username;

const NAMES_SHOWN = 5;

/** A group without a name is called by its first members. */
export const groupTitle = (name: string, memberNames: string[]): string =>
  name || memberNames.slice(0, NAMES_SHOWN).join(', ');
