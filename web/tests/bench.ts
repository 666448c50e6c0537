/**
 * Two figures of the console: how long until it can be used, and the longest task while ten thousand rows scroll.
 * Prints one line of JSON each; the budget is in the line.
 */

import { open, setUp, visit } from './browsing.ts';
import { Daemon, launchBrowser } from './harness.ts';

const ROWS = 10_000;
const USABLE_MS_MAX = 1500;
const TASK_MS_MAX = 100;
const daemon = await Daemon.start();
const browser = await launchBrowser();
try {
  const app = await daemon.createApp('bench');
  const { page } = await visit(browser);
  await setUp(page, daemon);
  const other = await page.context().newPage();
  const begun = performance.now();
  await other.goto(daemon.url);
  await other.getByRole('link', { name: 'bench' }).first().waitFor();
  console.log(
    JSON.stringify({ figure: 'console_usable_ms', value: Math.round(performance.now() - begun), most: USABLE_MS_MAX }),
  );

  // A page behind another one gets no frames.
  await other.close();
  const users = Array.from({ length: ROWS }, (_, at) => ({
    username: `user_${at}`,
    created_ms: 1,
    is_admin: at % 9 === 0,
  }));
  await page.route('**/console/v1/apps/*/users*', (route) => route.fulfill({ json: { users } }));
  await open(page, daemon, `/a/${app.app_key}/users`);
  const longest = await page.evaluate(async () => {
    let most = 0;
    new PerformanceObserver((list) =>
      list.getEntries().forEach((one) => (most = Math.max(most, one.duration))),
    ).observe({ type: 'longtask' });
    const box = document.querySelector('.ui-table-box')!;
    for (let step = 0; step < 300; step += 1) {
      box.scrollBy(0, 900);
      await new Promise((resolve) => requestAnimationFrame(resolve));
    }
    await new Promise((resolve) => requestAnimationFrame(resolve));
    return most;
  });
  console.log(
    JSON.stringify({
      figure: 'console_scroll_longest_task_ms',
      value: Math.round(longest),
      most: TASK_MS_MAX,
      rows: ROWS,
    }),
  );
} finally {
  await browser.close();
  await daemon.stop();
}
