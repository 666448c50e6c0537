/** A small set of emoji for the picker, in groups; the system's font draws them. */

export interface EmojiGroup {
  key: 'faces' | 'hands' | 'hearts' | 'animals' | 'food' | 'things';
  emoji: readonly string[];
}

/** Splits by grapheme, so that flags, skin tones and joined emoji stay whole. */
function each(text: string): string[] {
  return Array.from(new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(text), (part) => part.segment);
}

export const EMOJI: readonly EmojiGroup[] = [
  {
    key: 'faces',
    emoji: each('😀😃😄😁😆😅🤣😂🙂🙃😉😊😇🥰😍🤩😘😗😚😋😛😜🤪😝🤑🤗🤭🤫🤔🤐🤨😐😑😶😏😒🙄😬😌😔😪🤤😴😷🤒🤕🤢🤮🤧🥵🥶🥴😵🤯🤠🥳😎🤓🧐😕😟🙁😮😯😲😳🥺😦😨😰😥😢😭😱😖😣😞😓😩😫🥱😤😡😠🤬😈💀💩🤡👻👽🤖'),
  },
  {
    key: 'hands',
    emoji: each('👍👎👌✌️🤞🤟🤘🤙👈👉👆👇☝️👋🤚✋🖖👏🙌👐🤲🤝🙏✍️💪💅👀🧠👶👦👧👨👩👴👵🙋🙆🙅🤷🤦💁🙇🏃💃🕺'),
  },
  { key: 'hearts', emoji: each('❤️🧡💛💚💙💜🖤🤍🤎💔❣️💕💞💓💗💖💘💝💯💢💥💫💦💨🔥⭐🌟✨⚡🎉🎊') },
  {
    key: 'animals',
    emoji: each('🐶🐱🐭🐹🐰🦊🐻🐼🐨🐯🦁🐮🐷🐸🐵🐔🐧🐦🐤🦆🦢🦅🦉🐺🐴🦄🐝🦋🐌🐞🐢🐍🐙🦀🐠🐬🐳🌸🌹🌻🌷🌱🌲🍀🍁☀️🌙☁️🌧️⛄🌈🌊'),
  },
  {
    key: 'food',
    emoji: each('🍎🍐🍊🍋🍌🍉🍇🍓🍒🍑🥭🍍🥝🍅🥑🥦🌽🥕🍞🧀🍳🥓🍔🍟🍕🌭🥪🌮🍜🍝🍣🍤🍙🍚🥟🥮🍦🍰🎂🍬🍫🍪☕🍵🍺🍻🍷🥂'),
  },
  {
    key: 'things',
    emoji: each('⚽🏀🏈🎾🏐🏓🎮🎲🎵🎸🎤🎧🎬📷📱💻⌚💡🔔📌📎✂️🔑🔒🔨🧧🎁🎈📚📝✏️📅📈💰💳✉️📦🚗🚌🚲🚄✈️🚀🏠🏢🏥🏫⏰⏳✅❌❓❗⛔🆗🇨🇳'),
  },
];

const KEPT = 24;

/** Puts the emoji first among those used lately. */
export function usedLately(before: readonly string[], emoji: string): string[] {
  return [emoji, ...before.filter((other) => other !== emoji)].slice(0, KEPT);
}

const ONLY_EMOJI = /^(?:\p{Extended_Pictographic}|\p{Emoji_Component}|\s)+$/u;

/** True for one to three emoji and nothing else: these are drawn large. Digits are emoji components, hence the second test. */
export function isFewEmoji(text: string): boolean {
  if (text.length > 48 || !ONLY_EMOJI.test(text) || !/\p{Extended_Pictographic}|\p{Regional_Indicator}/u.test(text)) {
    return false;
  }
  return !/[0-9#*]/.test(text) && each(text.replace(/\s+/g, '')).length <= 3;
}
