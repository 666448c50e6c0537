/** The client of this page: which app, which user, how the link is, and why it ended. */

import { AnserError, connect, type Client, type ConnectionState, type LoginBy, type ProfileChange } from '@anser/client';
import { computed, reactive, shallowRef } from 'vue';
import { locale } from '../i18n/index.js';
import { FILE_BYTES_MAX } from '../logic/files.js';
import { demoLogin, findApp, serverShown, type AppShown } from './apps.js';
import { settings } from './settings.js';
import { resetUi } from './ui.js';

export type Phase = 'starting' | 'choose-app' | 'login' | 'chat' | 'unreachable';

export type KickReason = 'device' | 'disabled' | 'deleted' | 'password' | 'expired';

export const session = reactive({
  phase: 'starting' as Phase,
  appKey: '',
  isRegistrationOpen: false,
  serverVersion: '',
  fileBytesMax: FILE_BYTES_MAX,
  user: '',
  connection: { state: 'connecting' } as ConnectionState,
  isCaughtUp: false,
  isOnline: navigator.onLine,
  kicked: undefined as KickReason | undefined,
  /** The demo link could not be used. */
  isDemoOver: false,
  isTooOld: false,
});

const current = shallowRef<Client>();

/** The client; there is one from the login page on. */
export function client(): Client {
  if (!current.value) throw new Error('there is no client yet');
  return current.value;
}

export const isConnected = computed(() => session.connection.state === 'connected');

type Starter = (on: Client['on'], client: Client) => void;
const onLogin: Starter[] = [];
const onLogout: (() => void)[] = [];
/** End what this session listens to: the client outlives it. */
const offs: (() => void)[] = [];

/** `start` is called whenever a user's chats open, `end` when they close; what it hears by its `on` ends there too. */
export function eachSession(start: Starter, end: () => void): void {
  onLogin.push(start);
  onLogout.push(end);
}

const onClient: ((client: Client) => void)[] = [];

/** `begin` is called with every client, whoever is logged in: a push is for the browser. */
export function eachClient(begin: (client: Client) => void): void {
  onClient.push(begin);
}

/** This window's own store: demo windows hold one user each, beside each other in one browser. */
const WINDOW_PROFILE = 'anser-im.profile';
const FORGET = 'anser-im.forget';
const BROWSER_SESSION = 'anser-im-session=1';

export async function start(): Promise<void> {
  addEventListener('online', () => (session.isOnline = true));
  addEventListener('offline', () => (session.isOnline = false));
  const demo = /^#demo=([\w.~-]{1,512})$/.exec(location.hash)?.[1];
  if (demo) {
    history.replaceState(null, '', location.pathname + location.search);
    await startDemo(demo).catch(() => {
      if (session.phase === 'starting') session.phase = 'unreachable';
    });
    return;
  }
  await startApp();
}

async function startDemo(token: string): Promise<void> {
  const demo = await demoLogin(token).catch(() => undefined);
  if (!demo) {
    session.isDemoOver = true;
    await startApp();
    return;
  }
  await about().catch(() => undefined);
  sessionStorage.setItem(WINDOW_PROFILE, JSON.stringify({ app: demo.app_key, name: `demo-${demo.username}` }));
  await openApp(demo.app_key, () => login(demo.username, { signedToken: demo.login_token }, true));
}

/** The app that the address names, else the one of this window, else the only one, else a question. */
async function startApp(): Promise<void> {
  const asked = new URLSearchParams(location.search).get('app') ?? windowProfile()?.app;
  try {
    const only = await about();
    const app = asked ? await findApp(asked) : only;
    if (app) await openApp(app.app_key);
    else session.phase = 'choose-app';
  } catch {
    session.phase = 'unreachable';
  }
}

/** What the daemon is; answers its only app if there is one. */
async function about(): Promise<AppShown | undefined> {
  const { app, version, fileBytesMax } = await serverShown();
  session.serverVersion = version;
  session.fileBytesMax = fileBytesMax ?? FILE_BYTES_MAX;
  return app;
}

function windowProfile(): { app: string; name: string } | undefined {
  try {
    const value: unknown = JSON.parse(sessionStorage.getItem(WINDOW_PROFILE) ?? 'null');
    if (typeof value !== 'object' || value === null) return undefined;
    const { app, name } = value as Record<string, unknown>;
    return typeof app === 'string' && typeof name === 'string' ? { app, name } : undefined;
  } catch {
    return undefined;
  }
}

export async function openApp(appKey: string, then?: () => Promise<void>): Promise<void> {
  const app = await findApp(appKey);
  if (!app) {
    session.phase = 'choose-app';
    return;
  }
  session.appKey = app.app_key;
  session.isRegistrationOpen = app.is_registration_open;
  const own = windowProfile();
  // One that an earlier try made.
  await current.value?.close();
  const made = await connect({
    appKey: app.app_key,
    ...(own?.app === app.app_key ? { profile: own.name } : {}),
    language: locale.value,
    // Looked at with every push.
    get showNotifications() {
      return settings.desktop;
    },
  });
  current.value = made;
  listen(made);
  for (const begin of onClient) begin(made);
  if (then) {
    await then();
  } else if (made.user && mayStay()) {
    open(made.user);
  } else {
    if (made.user) await made.logout().catch(() => undefined);
    session.phase = 'login';
  }
}

function listen(made: Client): void {
  // A tab that is opened later never hears what was told before.
  const follow = (): void => {
    session.connection = made.connection;
    session.isCaughtUp = made.isCaughtUp;
  };
  follow();
  made.on('connection', ({ code }) => {
    follow();
    if (code === 4) session.isTooOld = true;
  });
  made.on('caughtUp', follow);
  made.on('loggedIn', ({ user }) => {
    follow();
    if (session.phase === 'login' || session.user !== user) open(user);
  });
  made.on('loginNeeded', () => end('expired'));
  made.on('loginFailed', ({ code }) => end(REASONS[code] ?? 'expired'));
  made.on('loggedOut', () => {
    if (session.phase === 'chat' && !session.kicked) close();
  });
}

const REASONS: Record<number, KickReason> = { 800016: 'device', 801006: 'disabled', 801003: 'deleted', 898010: 'password' };

/** A login from the login page that fails says so there; only an open session is ended with a dialog. */
function end(reason: KickReason): void {
  if (session.phase === 'chat') session.kicked = reason;
  else if (session.phase === 'starting') session.phase = 'login';
}

function open(user: string): void {
  if (session.phase === 'chat') close();
  session.user = user;
  session.kicked = undefined;
  session.phase = 'chat';
  const made = client();
  const on: Client['on'] = (event, handler) => {
    const off = made.on(event, handler);
    offs.push(off);
    return off;
  };
  for (const begin of onLogin) begin(on, made);
}

function close(): void {
  for (const off of offs.splice(0)) off();
  for (const finish of onLogout) finish();
  session.user = '';
  session.kicked = undefined;
  session.phase = 'login';
  resetUi();
}

/** Without "stay logged in" the login lasts as long as the browser: a cookie that says nothing ends with it. */
function mayStay(): boolean {
  return localStorage.getItem(FORGET) !== '1' || document.cookie.includes(BROWSER_SESSION);
}

function rememberLogin(isRemembered: boolean): void {
  if (isRemembered) {
    localStorage.removeItem(FORGET);
  } else {
    localStorage.setItem(FORGET, '1');
    document.cookie = `${BROWSER_SESSION}; Secure; SameSite=Strict; Path=/im`;
  }
}

export async function login(user: string, by: LoginBy, isRemembered: boolean): Promise<void> {
  rememberLogin(isRemembered);
  await client().login(user, by);
  if (session.user !== user || session.phase !== 'chat') open(user);
}

export async function register(user: string, password: string, profile: ProfileChange): Promise<void> {
  await client().register(user, password, profile);
}

/** Ends the session on this browser and leaves the page at the login. */
export async function logout(): Promise<void> {
  await client().logout().catch((error: unknown) => {
    if (!(error instanceof AnserError)) throw error;
  });
  if (session.phase === 'chat') close();
}

/** After a dialog said why: the same as logged out, without asking the server again. */
export function leave(): void {
  close();
}
