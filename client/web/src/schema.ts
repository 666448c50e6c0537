/**
 * Every frame of the link, its fields in the order of the wire. See `codec.ts` for the types; `r` stands for
 * `request:u32`, `x` for the list of extensions at the end.
 */

const STRUCTS = `
Ext tag:u16 value:bytes
Record position:recordStep at_ms:timeStep from:user outbox:u64 kind:u8 body:bytes x
Conversation chat:chat name:text windows:[1024Window last:u64 last_seq:u64 read_mark:u64 hole:bool newest:[100Record x
Window first_seq:u64 last_seq:u64
ReadChat username:text group:u32
ReadMark chat:ReadChat position:u64
Receipt chat:ReadChat message:u64 unread:u32 at_ms:u64
OwnDevice registration_id:text platform:u8 is_logged_in:bool is_online:bool seen_s:u64 was_pushed_off:bool x
Person username:text nickname:text avatar:text birthday:text signature:text region:text address:text gender:u8
  extras:text changed_ms:u64 relations:u8 note_name:text note_text:text x
GroupSummary group:u32 name:text description:text owner:text
GroupShown group:u32 name:text description:text avatar:text owner:text is_public:bool members:u32 maximum:u32
  created_ms:u64 changed_ms:u64
Standing username:text rank:u8 nickname:text joined_ms:u64 silent_until_ms:u64
RoomSummary room:u32 name:text description:text owner:text members:u32 members_max:u32 created_ms:u64
RoomUser username:text silent_until_ms:u64
Silenced username:text since_ms:u64 until_ms:u64
Announcement id:u64 text:text publisher:text at_ms:u64 pinned_ms:u64
JoinRequest id:u64 username:text inviter:text reason:text at_ms:u64
JoinAnswer id:u64 username:text
PushContent notification:?Notification message:?CustomMessage
Notification alert:text title:text extras:text options:text
CustomMessage content:text title:text content_type:text extras:text
Event kind:u8 by:text users:[500text new_owner:text
Content kind:u8 body:bytes x
Amendment position:u64 kind:u8 by:text content:?Content
Notice kind:u8 detail:u8 by:text users:[500text group:u32 text:text request:u64 x
Nicknames before:text after:text
`;

const FRAMES = `
1 Hello version_min:u8 version_max:u8 capabilities:u64 app_key:text registration_id:text secret:16 nonce:bytes
  platform:u8 push_cursor:?u64 x
2 Login r username:text credential_kind:u8 credential:bytes cursor:?u64 x
3 Logout r x
4 RegisterUser r username:text password:text x
5 Ping
6 Send outbox:u64 chat:chat kind:u8 body:bytes x
7 Ack position:u64
8 History r chat:chat before:u64 after:u64 limit:u32 x
9 Conversations r before:u64 limit:u32 x
10 GroupCreate r name:text description:text members:[500text x
11 GroupAdd r group:u32 members:[500text x
12 GroupRemove r group:u32 members:[500text x
13 GroupLeave r group:u32 x
14 GroupList r x
15 GroupMembers r group:u32 x
16 UserInfo r username:text x
17 Tags r action:u8 tags:[1000text x
18 Alias r action:u8 alias:text x
19 PushAck position:u64 received:[100u64 x
20 PushClicked r pushes:[100u64 x
21 RoomSend outbox:u64 room:u32 kind:u8 body:bytes x
28 PushReport r state:u8 pushes:[100u64 x
29 SendCommand r target:u8 username:text group:u32 platform:u8 text:text x
40 PushToken r kind:u8 token:text x
41 Badge r badge:u32 x
42 Activity r number:u64 opens:u32 seconds:u32 x
43 Mobile r mobile:text x
44 PushStop r x
45 PushResume r push_cursor:?u64 x
128 GroupMake r name:text description:text avatar:text is_public:bool maximum:u32 members:[500text x
129 GroupEdit r group:u32 name:?text description:?text avatar:?text x
130 GroupOrder r group:u32 order:u8 members:[500text text:text number:u64 x
131 GroupJoinAnswer r group:u32 answers:[500JoinAnswer is_accepted:bool reason:text x
132 GroupAsk r group:u32 question:u8 x
133 GroupsPublic r start:u64 count:u32 x
136 ReadMarks r marks:[100ReadMark x
137 ReadMessages r messages:[100u64 x
138 ReadersAsk r message:u64 x
139 UnreadAsk r chats:[100ReadChat total:bool x
160 RoomEnter r room:u32 after:u64 is_again:bool x
161 RoomLeave r room:u32 x
162 RoomList r start:u32 count:u32 x
163 MyRooms r x
164 RoomInfo r rooms:[50u32 x
165 RoomMembers r room:u32 role:u8 start:u32 count:u32 x
166 RoomChange r room:u32 role:u8 is_given:bool users:[500text for_ms:u64 x
167 RoomSilence r room:u32 username:text x
192 Retract r message:u64 x
208 MediaUpload r kind:u8 bytes:u64 sha256:bytes name:text thumb_of:text x
209 MediaAddress r media_id:text x
220 ProfileChange r nickname:?text avatar:?text birthday:?text signature:?text region:?text address:?text gender:?u8
  extras:?text x
221 PasswordChange r old:text new:text x
222 Blacklist r is_added:bool usernames:[500text x
223 Mutes r add_users:[500text remove_users:[500text add_groups:[500u32 remove_groups:[500u32 everything:?bool x
224 Shields r add:[500u32 remove:[500u32 x
225 FriendAsk r username:text reason:text x
226 FriendAnswer r username:text accepts:bool reason:text x
227 FriendRemove r usernames:[500text x
228 FriendNote r username:text name:?text text:?text x
229 PeopleList r list:u8 x
230 UsersInfo r usernames:[500text x
240 OwnDevicesAsk r x
64 Welcome version:u8 capabilities:u64 registration_id:text outbox_head:u64 server_time_ms:u64 heartbeat_s:u16
  heartbeat_min_s:u16 heartbeat_max_s:u16 x
65 LoggedIn r username:text token:bytes x
66 Done r x
67 Failed r code:u32 message:text x
68 Pong
69 Sent outbox:u64 position:positionStep at_ms:timeStep
70 SendRefused outbox:u64 code:u32 message:text x
71 Deliver position:positionStep after:afterStep chat:chat from:user at_ms:timeStep kind:u8 body:bytes x
72 Covered after:u64 to:difference
73 CatchUp after:u64 to:u64 is_last:bool conversations:[200Conversation x
74 HistoryPage r chat:chat records:[100Record is_complete:bool x
75 ConversationPage r conversations:[200Conversation is_complete:bool x
76 GroupCreated r group:u32 x
77 Groups r groups:[500GroupSummary is_last:bool x
78 GroupMembers r members:[500text owner:text is_last:bool x
79 UserProfile r username:text nickname:text avatar:text birthday:text signature:text region:text address:text
  gender:u8 extras:text x
80 TagList r tags:[1000text x
81 AliasValue r alias:text x
82 PushDeliver after:u64 position:u64 msg_id:u64 at_ms:u64 content:PushContent x
83 PushCovered after:u64 to:u64
84 GoAway code:u32 retry_after_ms:u32 message:text x
85 Unsupported frame_type:u64
86 RoomDeliver room:u32 position:positionStep from:user at_ms:timeStep kind:u8 body:bytes x
87 RoomRecords room:u32 records:[100Record x
88 MarksMoved after:u64 to:u64 marks:[100ReadMark x
89 Receipts after:u64 to:u64 receipts:[200Receipt x
90 Readers r read:[500text unread:[500text is_last:bool x
91 UnreadCounts r counts:[100u32 total:u32 total_loud:u32 x
96 PushWithdrawn msg_id:u64 x
97 CommandCame target:u8 from:text group:u32 platform:u8 text:text x
1024 GroupProfile r shown:GroupShown x
1025 GroupPage r total:u64 page:[500GroupShown is_last:bool x
1026 GroupStandings r standings:[500Standing is_last:bool x
1027 GroupSilences r silences:[500Silenced is_last:bool x
1028 GroupBans r members:[500text x
1029 GroupAnnouncements r announcements:[100Announcement is_last:bool x
1030 GroupJoins r joins:[500JoinRequest is_last:bool x
1031 GroupAnnounced r id:u64 x
1056 Rooms r total:u64 rooms:[50RoomSummary is_last:bool x
1057 RoomUsers r total:u64 users:[200RoomUser is_last:bool x
1058 RoomEvent room:u32 kind:u16 at_ms:u64 by:text users:[500text is_partial:bool x
1059 RoomChanged room:u32 kind:u8 x
1104 MediaTicket r url:text expires_ms:u64 x
1105 MediaLocation r url:text expires_ms:u64 bytes:u64 crc32:u32 hash:text thumb_bytes:u64 thumb_crc32:u32 x
1120 People r people:[500Person groups:[500u32 everything:bool is_last:bool x
1136 OwnDevices r devices:[8OwnDevice x
1137 ProfileChanged username:text changed_ms:u64 x
`;

/** What a field holds: a primitive's or struct's name, or an option or a list (of at most `most`) of it. */
export interface Shape {
  base: string;
  option?: boolean;
  most?: number;
}
export type Fields = [name: string, shape: Shape][];

function shape(text: string): Shape {
  const [, option, most, base] = /^(\?)?(?:\[(\d+))?(\w+)$/.exec(text)!;
  return { base: base!, ...(option && { option: true }), ...(most && { most: Number(most) }) };
}

function fields(words: string[]): Fields {
  return words.map((word) => {
    if (word === 'r') return ['request', { base: 'u32' }];
    if (word === 'x') return ['extensions', { base: 'Ext', most: 16 }];
    const [name, text] = word.split(':');
    return [name!, shape(text!)];
  });
}

function lines(table: string): string[][] {
  return table
    .trim()
    .replaceAll('\n  ', ' ')
    .split('\n')
    .map((line) => line.split(' '));
}

export const structs = new Map<string, Fields>(lines(STRUCTS).map(([name, ...words]) => [name!, fields(words)]));

export interface FrameKind {
  type: number;
  name: string;
  fields: Fields;
  isOfClient: boolean;
}

/** A client's types are below 64 and from 128 to 1023, a server's the others. */
const isOfClient = (type: number) => type < 64 || (type >= 128 && type < 1024);

const kinds: FrameKind[] = lines(FRAMES).map(([type, name, ...words]) => ({
  type: Number(type),
  name: name!,
  fields: fields(words),
  isOfClient: isOfClient(Number(type)),
}));

export const kindByType = new Map(kinds.map((kind) => [kind.type, kind]));
export const clientKinds = new Map(kinds.filter((kind) => kind.isOfClient).map((kind) => [kind.name, kind]));
export const serverKinds = new Map(kinds.filter((kind) => !kind.isOfClient).map((kind) => [kind.name, kind]));
