/** A push while it is being written, and what is sent of it. */

export interface Extra {
  key: string;
  value: string;
}

export interface Draft {
  what: 'notification' | 'message';
  platforms: string[];
  title: string;
  alert: string;
  extras: Extra[];
  android: {
    channel: string;
    builder: string;
    style: string;
    big: string;
    priority: string;
    sound: boolean;
    vibrate: boolean;
    lights: boolean;
    intent: string;
  };
  ios: {
    subtitle: string;
    sound: string;
    badge: string;
    badgeNumber: number;
    available: boolean;
    mutable: boolean;
    category: string;
    thread: string;
    collapse: string;
    production: string;
  };
  message: { content: string; type: string; title: string };
  audience: {
    isAll: boolean;
    tag: string[];
    tag_and: string[];
    tag_not: string[];
    alias: string[];
    registration_id: string[];
    segment: string;
  };
  when: 'now' | 'at' | 'spread';
  at: string;
  spread: number;
  lifetime: string;
  override: string;
}

export const PLATFORMS = ['android', 'ios', 'hmos', 'quickapp'];
export const TAGS_MAX = 20;
export const IDS_MAX = 1000;
export const SPREAD_MINUTES_MAX = 1400;

export const blank = (): Draft => ({
  what: 'notification',
  platforms: [],
  title: '',
  alert: '',
  extras: [],
  android: {
    channel: '',
    builder: '',
    style: '0',
    big: '',
    priority: '0',
    sound: true,
    vibrate: true,
    lights: true,
    intent: '',
  },
  ios: {
    subtitle: '',
    sound: 'default',
    badge: '+1',
    badgeNumber: 1,
    available: false,
    mutable: false,
    category: '',
    thread: '',
    collapse: '',
    production: '',
  },
  message: { content: '', type: '', title: '' },
  audience: { isAll: false, tag: [], tag_and: [], tag_not: [], alias: [], registration_id: [], segment: '' },
  when: 'now',
  at: '',
  spread: 10,
  lifetime: '86400',
  override: '',
});

/** Members that are empty are not sent. */
function full(members: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(members).filter(([, value]) => value !== '' && value !== undefined && value !== false),
  );
}

export function extrasOf(draft: Draft): Record<string, string> | undefined {
  const rows = draft.extras.filter((row) => row.key.trim());
  return rows.length ? Object.fromEntries(rows.map((row) => [row.key.trim(), row.value])) : undefined;
}

export const platformOf = (draft: Draft): 'all' | string[] => (draft.platforms.length ? [...draft.platforms] : 'all');
export const reaches = (draft: Draft, platform: string): boolean =>
  !draft.platforms.length || draft.platforms.includes(platform);

export function audienceOf(draft: Draft): 'all' | Record<string, unknown> {
  const { isAll, segment, ...kinds } = draft.audience;
  if (isAll) return 'all';
  const chosen = Object.fromEntries(
    Object.entries(kinds)
      .filter(([, values]) => values.length)
      .map(([name, values]) => [name, [...values]]),
  );
  return segment ? { ...chosen, segment: [segment] } : chosen;
}

export const hasAudience = (draft: Draft): boolean => draft.audience.isAll || Object.keys(audienceOf(draft)).length > 0;
export const hasContent = (draft: Draft): boolean =>
  (draft.what === 'message' ? draft.message.content : draft.alert).trim() !== '';

function android(draft: Draft): Record<string, unknown> {
  const { channel, builder, style, big, priority, sound, vibrate, lights, intent } = draft.android;
  const alertType = (sound ? 1 : 0) + (vibrate ? 2 : 0) + (lights ? 4 : 0);
  return full({
    alert: draft.alert,
    title: draft.title,
    channel_id: channel,
    builder_id: builder === '' ? undefined : Number(builder),
    priority: priority === '0' ? undefined : Number(priority),
    style: style === '0' ? undefined : Number(style),
    big_text: style === '1' ? big : undefined,
    inbox:
      style === '2'
        ? Object.fromEntries(
            big
              .split('\n')
              .filter(Boolean)
              .map((line, at) => [String(at + 1), line]),
          )
        : undefined,
    big_pic_path: style === '3' ? big : undefined,
    alert_type: alertType === 7 ? undefined : alertType,
    intent: intent ? { url: intent } : undefined,
    extras: extrasOf(draft),
  });
}

function ios(draft: Draft): Record<string, unknown> {
  const { subtitle, sound, badge, badgeNumber, available, mutable, category, thread } = draft.ios;
  return full({
    alert: draft.title || subtitle ? full({ title: draft.title, subtitle, body: draft.alert }) : draft.alert,
    sound,
    badge: badge === 'set' ? badgeNumber : badge === 'clear' ? 0 : badge,
    'content-available': available,
    'mutable-content': mutable,
    category,
    'thread-id': thread,
    extras: extrasOf(draft),
  });
}

/** The body of `POST /v3/push`. */
export function payloadOf(draft: Draft): Record<string, unknown> {
  const isMessage = draft.what === 'message';
  const options = full({
    time_to_live: draft.lifetime === '86400' || draft.lifetime === '' ? undefined : Number(draft.lifetime),
    override_msg_id: draft.override ? Number(draft.override) : undefined,
    big_push_duration: draft.when === 'spread' ? Number(draft.spread) : undefined,
    apns_production: draft.ios.production === '' || !reaches(draft, 'ios') ? undefined : draft.ios.production === 'yes',
    apns_collapse_id: draft.ios.collapse,
  });
  // `false` means something here and must not be left out with what is empty.
  if (draft.ios.production === 'no' && reaches(draft, 'ios')) options.apns_production = false;
  const others = ['hmos', 'quickapp'].filter((name) => reaches(draft, name));
  return full({
    platform: platformOf(draft),
    audience: audienceOf(draft),
    message: isMessage
      ? full({
          msg_content: draft.message.content,
          content_type: draft.message.type,
          title: draft.message.title,
          extras: extrasOf(draft),
        })
      : undefined,
    notification: isMessage
      ? undefined
      : full({
          alert: draft.alert,
          android: reaches(draft, 'android') ? android(draft) : undefined,
          ios: reaches(draft, 'ios') ? ios(draft) : undefined,
          ...Object.fromEntries(
            others.map((name) => [name, full({ alert: draft.alert, title: draft.title, extras: extrasOf(draft) })]),
          ),
        }),
    options: Object.keys(options).length ? options : undefined,
  });
}

export interface Room {
  label: string;
  used: number;
  most: number;
}

const bytes = (value: unknown): number =>
  new TextEncoder().encode(value === undefined ? '' : JSON.stringify(value)).length;

/** How much of what each platform takes is used. */
export function roomOf(draft: Draft): Room[] {
  const payload = payloadOf(draft);
  const notification = payload.notification as Record<string, unknown> | undefined;
  const rooms: Room[] = [];
  if (reaches(draft, 'android'))
    rooms.push({ label: 'Android', used: bytes(notification?.android) + bytes(payload.message), most: 4000 });
  if (reaches(draft, 'ios') && notification) rooms.push({ label: 'iOS', used: bytes(notification.ios), most: 2000 });
  if (reaches(draft, 'ios') && payload.message) rooms.push({ label: 'iOS', used: bytes(payload.message), most: 4000 });
  return rooms;
}

const list = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);
const words = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '');
const members = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};

/** The list that the daemon tells of a push of the API to "all" has names that cannot be asked for one by one. */
function platformsOf(value: unknown): string[] {
  const names = list(value);
  const isAll = PLATFORMS.every((name) => names.includes(name)) && names.includes('web');
  return isAll ? [] : names.filter((name) => PLATFORMS.includes(name));
}

/** What a style shows besides the text. */
function bigOf(phone: Record<string, unknown>): string {
  if (phone.style === 1) return words(phone.big_text);
  if (phone.style === 2) return Object.values(members(phone.inbox)).map(words).join('\n');
  return phone.style === 3 ? words(phone.big_pic_path) : '';
}

function androidOf(phone: Record<string, unknown>): Draft['android'] {
  const alertType = typeof phone.alert_type === 'number' ? phone.alert_type : 7;
  return {
    channel: words(phone.channel_id),
    builder: words(phone.builder_id),
    style: words(phone.style) || '0',
    big: bigOf(phone),
    priority: words(phone.priority) || '0',
    sound: (alertType & 1) !== 0,
    vibrate: (alertType & 2) !== 0,
    lights: (alertType & 4) !== 0,
    intent: words(members(phone.intent).url),
  };
}

function iosOf(apple: Record<string, unknown>, options: Record<string, unknown>): Draft['ios'] {
  const isNumber = typeof apple.badge === 'number';
  const production = options.apns_production;
  return {
    subtitle: words(members(apple.alert).subtitle),
    sound: words(apple.sound),
    badge: isNumber ? (apple.badge === 0 ? 'clear' : 'set') : words(apple.badge),
    badgeNumber: isNumber ? Number(apple.badge) : 1,
    available: apple['content-available'] === true,
    mutable: apple['mutable-content'] === true,
    category: words(apple.category),
    thread: words(apple['thread-id']),
    collapse: words(options.apns_collapse_id),
    production: typeof production === 'boolean' ? (production ? 'yes' : 'no') : '',
  };
}

/** Back from a payload that was sent, as far as the form knows its members. */
export function draftOf(given: unknown): Draft {
  const payload = members(given);
  const notification = members(payload.notification);
  const blocks = PLATFORMS.map((name) => members(notification[name]));
  const apple = members(notification.ios);
  const message = members(payload.message);
  const audience = members(payload.audience);
  const options = members(payload.options);
  const first = (name: string): string => blocks.map((block) => words(block[name])).find(Boolean) ?? '';
  const extras = members([...blocks, message].map((block) => block.extras).find((one) => one !== undefined));
  const spread = Number(options.big_push_duration ?? 0);
  return {
    ...blank(),
    what: payload.message && !payload.notification ? 'message' : 'notification',
    platforms: platformsOf(payload.platform),
    title: first('title') || words(members(apple.alert).title),
    alert: words(notification.alert) || first('alert') || words(members(apple.alert).body),
    extras: Object.entries(extras).map(([key, value]) => ({
      key,
      value: typeof value === 'string' ? value : JSON.stringify(value),
    })),
    android: androidOf(members(notification.android)),
    ios: iosOf(apple, options),
    message: {
      content: words(message.msg_content),
      type: words(message.content_type),
      title: words(message.title),
    },
    audience: {
      isAll: payload.audience === 'all',
      tag: list(audience.tag),
      tag_and: list(audience.tag_and),
      tag_not: list(audience.tag_not),
      alias: list(audience.alias),
      registration_id: list(audience.registration_id),
      segment: list(audience.segment)[0] ?? '',
    },
    when: spread > 0 ? 'spread' : 'now',
    spread: spread > 0 ? spread : blank().spread,
    lifetime: words(options.time_to_live) || blank().lifetime,
    override: words(options.override_msg_id),
  };
}

/** What the form knows of a payload, by where it stands. */
const KNOWN: Record<string, readonly string[]> = {
  '': ['platform', 'audience', 'notification', 'message', 'options', 'cid'],
  audience: ['tag', 'tag_and', 'tag_not', 'alias', 'registration_id', 'segment'],
  // The daemon tells of platforms that cannot be asked for one by one too: they get the shared text.
  notification: ['alert', ...PLATFORMS, 'web', 'desktop', 'other'],
  'notification.android': [
    'alert',
    'title',
    'channel_id',
    'builder_id',
    'priority',
    'style',
    'big_text',
    'inbox',
    'big_pic_path',
    'alert_type',
    'intent',
    'extras',
  ],
  'notification.ios': [
    'alert',
    'title',
    'sound',
    'badge',
    'content-available',
    'mutable-content',
    'category',
    'thread-id',
    'extras',
  ],
  'notification.ios.alert': ['title', 'subtitle', 'body'],
  'notification.ios.sound': [],
  'notification.hmos': ['alert', 'title', 'extras'],
  'notification.quickapp': ['alert', 'title', 'extras'],
  message: ['msg_content', 'content_type', 'title', 'extras'],
  options: [
    'time_to_live',
    'override_msg_id',
    'big_push_duration',
    'apns_production',
    'apns_collapse_id',
    // An echo for the server that sent it.
    'sendno',
  ],
};

/** Members of a payload that a draft made of it does not have: a push sent again is without them. */
export function leftOut(given: unknown): string[] {
  const payload = members(given);
  const isBoth = payload.notification !== undefined && payload.message !== undefined;
  const unknown = Object.entries(KNOWN).flatMap(([place, known]) => {
    const path = place ? place.split('.') : [];
    const found = path.reduce((at: unknown, name) => members(at)[name], payload);
    const names = Object.keys(members(found)).filter((name) => !known.includes(name));
    return isBoth && place === 'message' ? [] : names.map((name) => [...path, name].join('.'));
  });
  return isBoth ? ['message', ...unknown] : unknown;
}
