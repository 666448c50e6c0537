/** What the tests of the Web IM stand on: a daemon with one app, users by its REST API, and browsers with a link to cut. */

import { request } from 'node:https';
import type { Browser, BrowserContext, BrowserContextOptions, Page, WebSocketRoute } from 'playwright-core';
import { chromium } from 'playwright-core';
import { Daemon, type AppKeys } from '../../tests/harness.js';

const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const ARGS = [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  '--disable-dev-shm-usage',
  '--use-fake-device-for-media-stream',
  '--use-fake-ui-for-media-stream',
];

export const PASSWORD = 'secret1';

/** A user's browser. Errors that a page logs are kept: a test looks that there are none. */
export class Person {
  readonly errors: string[] = [];
  private readonly links = new Set<WebSocketRoute>();
  private isCut = false;

  constructor(readonly name: string, readonly context: BrowserContext, private readonly url: string) {}

  /** Links of all pages go through here, so that they can be cut. */
  async prepare(): Promise<void> {
    await this.context.routeWebSocket(/\/link$/, (link) => {
      if (this.isCut) {
        void link.close();
        return;
      }
      link.connectToServer();
      this.links.add(link);
    });
  }

  async open(path = ''): Promise<Page> {
    const page = await this.context.newPage();
    page.on('pageerror', (error) => this.errors.push(String(error)));
    page.on('console', (message) => {
      // Answers of the network that are errors are no errors of the page.
      const isOwn = message.type() === 'error' && !message.text().startsWith('Failed to load resource');
      if (isOwn) this.errors.push(message.text());
    });
    await page.goto(`${this.url}/im${path}`);
    return page;
  }

  async logIn(path = ''): Promise<Page> {
    const page = await this.open(path);
    await page.getByLabel('Username').fill(this.name);
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Log in' }).click();
    await page.getByRole('heading', { name: 'Chats' }).waitFor();
    return page;
  }

  async cut(): Promise<void> {
    this.isCut = true;
    for (const link of this.links) await link.close().catch(() => undefined);
    this.links.clear();
  }

  mend(): void {
    this.isCut = false;
  }
}

export class Site {
  private constructor(readonly daemon: Daemon, readonly app: AppKeys, readonly browser: Browser) {}

  static async start(): Promise<Site> {
    const daemon = await Daemon.start();
    try {
      const app = await daemon.createApp('chats');
      const browser = await chromium.launch({ executablePath: CHROMIUM, args: ARGS });
      return new Site(daemon, app, browser);
    } catch (error) {
      await daemon.stop();
      throw error;
    }
  }

  async stop(): Promise<void> {
    await this.browser.close();
    await this.daemon.stop();
  }

  async person(name: string, options: BrowserContextOptions = {}): Promise<Person> {
    const context = await this.browser.newContext({
      ignoreHTTPSErrors: true,
      locale: 'en-GB',
      viewport: { width: 1280, height: 800 },
      permissions: ['microphone', 'clipboard-read', 'clipboard-write'],
      ...options,
    });
    const person = new Person(name, context, this.daemon.url);
    await person.prepare();
    return person;
  }

  /** A call of the public REST API as the app's server. */
  rest<T>(method: string, path: string, body?: unknown): Promise<T> {
    const url = new URL(path, this.daemon.url);
    const auth = `${this.app.app_key}:${this.app.master_secret}`;
    return new Promise((resolve, reject) => {
      const asked = request(
        url,
        { method, auth, rejectUnauthorized: false, headers: { 'content-type': 'application/json' } },
        (answer) => {
          let text = '';
          answer.on('data', (part) => (text += String(part)));
          answer.on('end', () => {
            if (answer.statusCode! >= 300) reject(new Error(`${method} ${path}: ${answer.statusCode} ${text}`));
            else resolve((text ? JSON.parse(text) : undefined) as T);
          });
        },
      );
      asked.on('error', reject);
      asked.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  async users(...names: string[]): Promise<void> {
    await this.rest('POST', '/v1/users/', names.map((username) => ({ username, password: PASSWORD })));
  }

  say(from: string, to: string, text: string, type: 'single' | 'group' = 'single'): Promise<{ msg_id: number }> {
    return this.rest('POST', '/v1/messages', {
      version: 1, target_type: type, target_id: to, from_type: 'user', from_id: from, msg_type: 'text', msg_body: { text },
    });
  }
}

/** The texts in the open chat, from top to bottom. */
export function texts(page: Page): Promise<string[]> {
  return page.locator('.message .text').allInnerTexts();
}

export async function openChat(page: Page, name: string): Promise<void> {
  await page.locator('.chat-row-main').filter({ has: page.locator('.chat-row-name', { hasText: name }) }).first().click();
  await page.getByRole('textbox', { name: 'Write a message' }).waitFor();
}

export async function write(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Write a message' }).fill(text);
  await page.keyboard.press('Enter');
}

/** Waits for a condition in the page's own terms. */
export async function until(what: string, isSo: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const end = Date.now() + withinMs;
  while (!(await isSo())) {
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
