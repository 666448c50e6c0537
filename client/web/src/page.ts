/** What the browser tells of sleep, network and the user's eyes; and how long the page was looked at. */
import type { Push } from './api.js';
import type { TabClient } from './client.js';

export function watchPage(client: TabClient): () => void {
  if (typeof window === 'undefined' || typeof document === 'undefined') return () => {};
  const doubt = () => void client.reconnect().catch(() => {});
  let isGone = () => {};
  // A tab that is seen says so to the others by a lock that it holds meanwhile.
  const hold = () => {
    isGone();
    const gone = new Promise<void>((resolve) => (isGone = resolve));
    void navigator.locks?.request(seenLock(client), { mode: 'shared' }, () => gone).catch(() => {});
  };
  let frontSince = document.hidden ? 0 : Date.now();
  const use = (opens: number, seconds: number) => void client.call('activity', opens, seconds).catch(() => {});
  const seen = () => {
    if (document.hidden) {
      if (frontSince) use(0, (Date.now() - frontSince) / 1000);
      frontSince = 0;
      isGone();
    } else {
      if (!frontSince) use(1, 0);
      frontSince = Date.now();
      hold();
      doubt();
    }
  };
  const listen = (target: EventTarget, name: string, then: () => void) => {
    target.addEventListener(name, then);
    return () => target.removeEventListener(name, then);
  };
  const ends = [
    listen(window, 'online', doubt),
    listen(window, 'offline', doubt),
    listen(window, 'pageshow', doubt),
    listen(document, 'resume', doubt),
    listen(document, 'visibilitychange', seen),
  ];
  const connection = (navigator as { connection?: EventTarget }).connection;
  if (connection) ends.push(listen(connection, 'change', doubt));
  if (frontSince) {
    use(1, 0);
    hold();
  }
  return () => {
    isGone();
    ends.forEach((end) => end());
  };
}

const seenLock = (client: TabClient): string => `${client.name} seen`;

/** The system's notice of a push, while no tab of the page is seen. Tabs that show one show it once, by its tag. */
export async function showPush(client: TabClient, push: Push): Promise<void> {
  const { notification } = push;
  if (!notification?.alert || !globalThis.document?.hidden || globalThis.Notification?.permission !== 'granted') return;
  const { held = [] } = (await navigator.locks?.query()) ?? {};
  if (held.some(({ name }) => name === seenLock(client))) return;
  const report = (state: 'shown' | 'clicked') => void client.push.report(state, [push.msgId]).catch(() => {});
  const options = { body: notification.alert, tag: `anser-${push.replaces ?? push.msgId}` };
  let notice: Notification;
  try {
    notice = new Notification(notification.title || document.title, options);
  } catch {
    // Chrome for Android allows notices from service workers only.
    return;
  }
  report('shown');
  notice.onclick = () => {
    window.focus();
    notice.close();
    report('clicked');
  };
}
