/**
 * Every page, narrow and wide, each time in another language and theme: accessible, inside the window, without a fault.
 * Over the pages all languages and themes meet all widths.
 */

import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Browser } from 'playwright-core';
import { logIn, noSeriousViolation, open, setUp, visit, type Look } from '../../tests/browsing.ts';
import { Daemon, launchBrowser } from '../../tests/harness.ts';
import { Device, people, Rest, type World } from './world.ts';

let daemon: Daemon;
let browser: Browser;
let world: World;
let device: Device;
let pushId: string;

before(async () => {
  daemon = await Daemon.start();
  browser = await launchBrowser();
  const app = await daemon.createApp('shop');
  const { context, page } = await visit(browser);
  await setUp(page, daemon);
  world = await people(new Rest(context, daemon, app));
  device = await Device.listen(daemon, app, 'beijing');
  const push = { platform: 'all', audience: 'all', notification: { alert: 'hello' } };
  pushId = (await world.rest.call<{ msg_id: string }>('POST', '/v3/push', push)).msg_id;
  await device.event((event) => event.event === 'push');
  await context.close();
});
after(async () => {
  device?.stop();
  await browser?.close();
  await daemon?.stop();
});

function paths(): string[] {
  const ofApp = [
    '',
    '/send',
    '/send-im',
    '/pushes',
    `/pushes/${pushId}`,
    `/trace?msg_id=${pushId}&device=${device.registrationId}`,
    '/schedules',
    '/segments',
    '/devices',
    `/devices/${device.registrationId}`,
    '/tags',
    '/users',
    '/users/alice',
    '/groups',
    `/groups/${world.gid}`,
    '/rooms',
    `/rooms/${world.roomId}`,
    '/messages',
    '/words',
    '/statistics',
    '/statistics?tab=chat',
    '/statistics?tab=back',
    '/statistics?tab=devices',
    '/reports',
    '/connections',
    '/callbacks',
    '/duties',
    '/settings',
  ];
  return [
    '/',
    '/apps',
    '/app-groups',
    '/developers',
    '/operators',
    '/audit',
    '/server',
    '/links',
    ...ofApp.map((path) => `/a/${world.rest.app.app_key}${path}`),
  ];
}

const NARROW: Look[] = [
  { locale: 'zh', theme: 'dark', width: 768 },
  { locale: 'en', theme: 'light', width: 768 },
  { locale: 'zh', theme: 'light', width: 768 },
  { locale: 'en', theme: 'dark', width: 768 },
];
const WIDE: Look[] = [
  { locale: 'en', theme: 'light', width: 1280 },
  { locale: 'zh', theme: 'dark', width: 1920 },
  { locale: 'en', theme: 'dark', width: 1920 },
  { locale: 'zh', theme: 'light', width: 1280 },
];

for (const looks of [NARROW, WIDE])
  for (const [turn, look] of looks.entries())
    test(`${look.locale}, ${look.theme}, ${look.width} pixels: nothing serious for axe, nothing cut`, async () => {
      const { context, page, faults } = await visit(browser, look);
      await logIn(page, daemon);
      for (const path of paths().filter((_, at) => at % looks.length === turn)) {
        await open(page, daemon, path);
        await noSeriousViolation(page, path);
        const over = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        assert.ok(over <= 0, `${path} is ${over} pixels too wide`);
        assert.equal(await page.locator('main [role=alert]').count(), 0, `${path} shows an error`);
      }
      assert.deepEqual(faults, []);
      await context.close();
    });

test('a form is reached, filled and left by keyboard alone, and gives the focus back', async () => {
  const { context, page } = await visit(browser);
  await logIn(page, daemon);
  await open(page, daemon, '/apps');
  const button = page.getByRole('button', { name: 'Create', exact: true });
  await button.focus();
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  await noSeriousViolation(page, 'the form');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'detached' });
  assert.ok(await button.evaluate((element) => element === document.activeElement));
  await context.close();
});
