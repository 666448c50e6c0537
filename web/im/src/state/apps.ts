/** What the daemon says of its apps before anybody has logged in, and the exchange of a demo link. */

export interface AppShown {
  app_key: string;
  name?: string;
  is_registration_open: boolean;
}

export interface DemoLogin {
  app_key: string;
  username: string;
  login_token: string;
}

const BASE = '/im';

export interface ServerShown {
  /** The only app of the daemon, if there is exactly one. */
  app?: AppShown;
  version: string;
  fileBytesMax?: number;
}

export async function serverShown(): Promise<ServerShown> {
  const answer = await fetch(`${BASE}/apps`);
  if (!answer.ok) throw new Error(`apps: ${answer.status}`);
  const told = (await answer.json()) as { apps: AppShown[]; version?: string; media_bytes_max?: number };
  return { app: told.apps[0], version: told.version ?? '', fileBytesMax: told.media_bytes_max };
}

export async function findApp(appKey: string): Promise<AppShown | undefined> {
  const answer = await fetch(`${BASE}/apps/${encodeURIComponent(appKey)}`);
  if (answer.status === 404) return undefined;
  if (!answer.ok) throw new Error(`app: ${answer.status}`);
  return (await answer.json()) as AppShown;
}

/** Nothing when the link was used before or is too old. */
export async function demoLogin(token: string): Promise<DemoLogin | undefined> {
  const answer = await fetch(`${BASE}/demo`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  });
  return answer.ok ? ((await answer.json()) as DemoLogin) : undefined;
}
