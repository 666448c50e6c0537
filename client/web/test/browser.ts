/**
 * Chromium with a profile of its own that outlives the process, and a page of the daemon's origin with the built
 * SDK.
 */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';
import type { Browser, BrowserContext, Page } from 'playwright-core';

const PROGRAM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const sdk = new URL('../dist/anser.js', import.meta.url);

export class Chromium {
  private profile = mkdtempSync(join(tmpdir(), 'anser-chromium-'));
  private child!: ChildProcess;
  private browser!: Browser;
  private context!: BrowserContext;

  constructor(private origin: string) {}

  static async start(origin: string): Promise<Chromium> {
    const chromium = new Chromium(origin);
    await chromium.launch();
    return chromium;
  }

  async launch(): Promise<void> {
    const flags = [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      '--no-first-run',
      '--ignore-certificate-errors',
      // A page that the test itself serves counts as one of the internet, which may not reach this machine.
      '--disable-features=LocalNetworkAccessChecks',
      '--disable-dev-shm-usage',
      '--remote-debugging-port=0',
      `--user-data-dir=${this.profile}`,
      'about:blank',
    ];
    this.child = spawn(PROGRAM, flags, { stdio: ['ignore', 'ignore', 'pipe'], detached: true });
    for await (const line of createInterface({ input: this.child.stderr! })) {
      const address = /ws:\/\/\S+/.exec(line)?.[0];
      if (!address) continue;
      this.browser = await chromium.connectOverCDP(address);
      break;
    }
    this.child.stderr!.resume();
    this.context = this.browser.contexts()[0]!;
    const served = (body: string | Buffer, contentType: string) => (route: any) => route.fulfill({ body, contentType });
    await this.context.route(`${this.origin}/sdk.html`, served('<!doctype html><title>sdk</title>', 'text/html'));
    await this.context.route(`${this.origin}/anser.js`, served(readFileSync(sdk), 'text/javascript'));
  }

  async tab(): Promise<Page> {
    const page = await this.context.newPage();
    // The compiler of the tests names functions by this.
    await page.addInitScript('globalThis.__name = (named) => named');
    page.on('pageerror', (error) => console.error('page:', error));
    await page.goto(`${this.origin}/sdk.html`);
    return page;
  }

  /** As the machine's power does it: no handler runs. */
  async kill(): Promise<void> {
    const ended = once(this.child, 'exit');
    process.kill(-this.child.pid!, 'SIGKILL');
    await ended;
    await this.browser.close().catch(() => {});
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Opens the client in the page as `client`; what it tells is in `heard`. */
export function open(page: Page, appKey: string): Promise<string> {
  return page.evaluate(async (appKey) => {
    const { connect } = await import('/anser.js' as string);
    const heard: any = {
      message: [],
      outgoing: [],
      connection: [],
      loginNeeded: [],
      loginFailed: [],
      push: [],
      conversation: [],
    };
    const client = await connect({ appKey });
    for (const name of Object.keys(heard)) client.on(name, (value: unknown) => heard[name].push(value));
    Object.assign(window, { client, heard });
    return client.user as string;
  }, appKey);
}
