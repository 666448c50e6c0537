/** What tests of the console's pages share: a page that reports what it should not do, and a walk through it. */

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import type { Daemon } from './harness.ts';

export const OPERATOR = { name: 'ann', password: 'correct horse 1' };

export interface Visit {
  context: BrowserContext;
  page: Page;
  /** Errors of scripts and of the content security policy, until they are taken. */
  faults: string[];
}

export interface Look {
  locale?: 'en' | 'zh';
  theme?: 'light' | 'dark';
  width?: number;
}

/** A browser window of its own, with its own cookies. */
export async function visit(browser: Browser, look: Look = {}): Promise<Visit> {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true,
    viewport: { width: look.width ?? 1280, height: 900 },
  });
  await context.addInitScript(
    ([locale, theme]) => {
      localStorage.setItem('anser.locale', locale!);
      localStorage.setItem('anser.theme', theme!);
    },
    [look.locale ?? 'en', look.theme ?? 'light'],
  );
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('dialog', (dialog) => {
    faults.push(`a dialog opened: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on('console', (message) => {
    // Answers that are errors are shown by the page; the browser's own line about them is no fault.
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource'))
      faults.push(message.text());
  });
  return { context, page, faults };
}

/** The first operator, by the link of the first start. */
export async function setUp(page: Page, daemon: Daemon): Promise<void> {
  await page.goto(`${daemon.url}/#set-up=${await daemon.setUpToken()}`);
  await page.getByLabel('Name').fill(OPERATOR.name);
  await page.getByLabel('Password', { exact: false }).first().fill(OPERATOR.password);
  await page.getByLabel('Password again').fill(OPERATOR.password);
  await page.getByRole('button', { name: 'Become the owner' }).click();
  await page.getByRole('heading', { name: 'Dashboard' }).waitFor();
}

export async function logIn(page: Page, daemon: Daemon, who = OPERATOR): Promise<void> {
  await page.goto(`${daemon.url}/`);
  await page.locator('input[autocomplete=username]').fill(who.name);
  await page.locator('input[type=password]').fill(who.password);
  await page.locator('button[type=submit]').click();
  await page.locator('#nav').waitFor({ state: 'attached' });
}

/** Opens an address of the page and waits until it shows its heading and nothing loads. */
export async function open(page: Page, daemon: Daemon, path: string): Promise<void> {
  await page.goto(`${daemon.url}/#${path}`);
  await page.locator('main h1').first().waitFor();
  await page.waitForLoadState('networkidle');
}

export async function noSeriousViolation(page: Page, where: string): Promise<void> {
  const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
  await page.evaluate(axe);
  const found = await page.evaluate(async () => {
    const run = (window as unknown as { axe: { run(options: object): Promise<{ violations: Violation[] }> } }).axe.run;
    interface Violation {
      impact: string;
      id: string;
      nodes: { html: string }[];
    }
    const { violations } = await run({ resultTypes: ['violations'] });
    return violations
      .filter((one) => one.impact === 'serious' || one.impact === 'critical')
      .map((one) => `${one.id}: ${one.nodes.map((node) => node.html.slice(0, 200)).join(' | ')}`);
  });
  assert.deepEqual(found, [], `${where}: axe finds`);
}
