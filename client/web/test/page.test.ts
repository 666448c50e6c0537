import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Push } from '../src/api.js';
import type { TabClient } from '../src/client.js';
import { showPush } from '../src/page.js';

test('a browser in which a page may show no notices is no error', async () => {
  const reported: string[] = [];
  const client = { name: 'x', push: { report: async (state: string) => void reported.push(state) } };
  class Notification {
    static permission = 'granted';
    constructor() {
      throw new TypeError('Illegal constructor. Use ServiceWorkerRegistration.showNotification() instead.');
    }
  }
  Object.assign(globalThis, { document: { hidden: true, title: 'page' }, Notification });
  // Node.js has one from version 21 on.
  if (typeof navigator === 'undefined') Object.assign(globalThis, { navigator: {} });
  const push: Push = { msgId: 1, time: 1, notification: { alert: 'hello', title: '', extras: {}, options: {} } };
  await showPush(client as unknown as TabClient, push);
  assert.deepEqual(reported, [], 'nobody has seen it');
});
