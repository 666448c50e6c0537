/** Answers of the console API. */

export type Role = 'owner' | 'app-admin' | 'sender' | 'read-only';
export type Right =
  | 'manage_operators'
  | 'manage_apps'
  | 'manage_daemon'
  | 'see_daemon'
  | 'see_app'
  | 'see_secrets'
  | 'change_app'
  | 'manage_users'
  | 'read_messages'
  | 'send';

export interface Me {
  name: string;
  role: Role;
  all_apps: boolean;
  apps: { app_key: string; name: string }[];
  rights: Right[];
  expires_ms: number;
  /** Of the daemon's zone, in which schedules are written: the offset now. */
  time_zone?: string;
  /** Nothing where the zone has no name. */
  time_zone_name?: string | null;
}

export interface App {
  app_key: string;
  name: string;
  created_ms: number;
  is_blocked: boolean;
  devices: number;
  users: number;
  groups: number;
  online_devices: number;
  media?: { files: number; bytes: number; quota_bytes?: number | null };
  is_registration_open?: boolean;
}

export interface Retention {
  days: number | null;
  is_own: boolean;
}

export interface Settings {
  is_blocked: boolean;
  addresses: string[];
  rates: Record<string, number | null>;
  rate_defaults: Record<string, number | null>;
  quota_mib: number | null;
  quota_default_mib: number | null;
  retention: Record<'chat' | 'room' | 'push', Retention>;
  is_registration_open: boolean;
  daemon: Record<string, unknown>;
  callbacks: { kind: string; url: string }[];
}

export interface PushCertificate {
  subject: string | null;
  bundle_id: string | null;
  expires_ms: number | null;
  added_ms: number;
}

export type PushCertificates = Record<'development' | 'production', PushCertificate | null>;

export interface Link {
  link: number;
  transport: string;
  address: string;
  since_ms: number;
  app?: string;
  device?: string;
  user?: string;
}

export interface Device {
  registration_id: string;
  platform: string;
  alias?: string;
  mobile?: string;
  tags: string[];
  is_online: boolean;
  last_online_ms?: number;
  is_test: boolean;
}

export interface DeviceDetail extends Device {
  registered_ms?: number;
  users?: string[];
  traits: Record<string, string>;
  pending: { msg_id: string }[];
  pending_all: number;
  has_stopped_pushes: boolean;
  is_dormant: boolean;
  links: Link[];
}

export interface User {
  username: string;
  nickname?: string;
  avatar?: string;
  is_admin: boolean;
  is_disabled: boolean;
  is_online?: boolean;
  created_ms: number;
}

export interface UserDetail extends User {
  changed_ms?: number;
  signature?: string;
  birthday?: string;
  gender?: number;
  region?: string;
  address?: string;
  extras?: Record<string, string>;
  logins: { registration_id: string; platform: string; is_online: boolean }[];
}

export interface Group {
  gid: number;
  name: string;
  owner: string;
  members: number;
  max_members?: number;
  type: number;
  created_ms: number;
}

export interface Member {
  username: string;
  nickname?: string;
  rank: 'owner' | 'admin' | 'member';
  is_silenced: boolean;
  /** Nothing where the silence has no end. */
  silenced_until_ms?: number | null;
}

export interface GroupDetail extends Omit<Group, 'members'> {
  description?: string;
  members: Member[];
  announcements: { text?: string; by?: string; at_ms?: number }[];
  bans: (string | { username: string })[];
  join_requests: (string | { username: string; reason?: string })[];
}

export interface Room {
  room_id: number;
  name: string;
  owner: string;
  members: number;
  max_members?: number;
  /** Who is in it with an open link. */
  online?: number;
  created_ms: number;
  description?: string;
}

export interface HistoryMessage {
  msg_id: string;
  msg_type: string;
  from_id: string;
  target_id: string;
  target_type: string;
  create_time?: number;
  msg_ctime?: number;
  msg_body: Record<string, unknown>;
  amended?: string;
}

export interface Push {
  msg_id: string;
  accepted_ms: number;
  expires_ms?: number;
  state: string;
  origin: string;
  operator?: string;
  kind: string;
  title?: string;
  text?: string;
  targets: number;
  platforms: Record<string, number>;
  received: number;
  clicked: number;
  audience?: unknown;
}

export interface PushDetail extends Push {
  payload?: unknown;
  figures?: Record<string, Record<string, number>>;
  counts?: Record<string, number>;
}

export interface Trace {
  kind: 'push' | 'message' | 'group_push';
  msg_id: string;
  accepted_ms?: number;
  stored_ms?: number;
  expires_ms?: number;
  state?: string;
  chosen?: number | string;
  platforms?: Record<string, number>;
  counts?: Record<string, number>;
  times?: string;
  deliveries?: [string, Record<string, number | null>][];
  device?: {
    registration_id: string;
    platform: string;
    is_connected: boolean;
    is_chosen?: boolean;
    steps?: Record<string, boolean>;
    times?: Record<string, number | null>;
    source?: string;
    why: string;
  };
  from?: string;
  to?: unknown;
  platform?: string;
  amended?: string;
  receipts?: [number, number];
}

export interface Segment {
  id: string;
  name: string;
  rule: unknown;
  created_ms: number;
  devices?: number;
}

export interface Operator {
  name: string;
  role: Role;
  apps: string[];
  created_ms: number;
  password_set_ms?: number;
}

export interface AuditEntry {
  id: string;
  at_ms: number;
  operator?: string;
  address?: string;
  action: string;
  app_key?: string;
  target?: string;
  status?: number;
}

export interface ServerState {
  version: string;
  uptime_s: number;
  listen: string[];
  apps: number;
  connections: number;
  position?: string;
  certificate?: Record<string, unknown>;
  figures?: {
    at_ms: number;
    not_ready: string[];
    links: [string, number][];
    sums: Record<string, number>;
    slowest: [string, number][];
  } & Record<string, unknown>;
}

export interface Period {
  begin: string;
  new?: number;
  online?: number;
  active?: number;
  opens?: number;
  seconds?: number;
  pushes?: number;
  received?: number;
  shown?: number;
  clicked?: number;
  back_after?: Record<string, number>;
  chat?: Record<string, number>;
}
