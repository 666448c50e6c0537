/** What page tests stand on: a real daemon on a free port with a folder of its own, and Chromium. */

import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { chromium, type Browser } from 'playwright-core';

const WEB = fileURLToPath(new URL('..', import.meta.url));
const BINARY = process.env.ANSERD_BIN ?? join(WEB, '../target/debug/anserd');
/** The command line client stands beside the daemon. */
export const clientBinary = (): string => process.env.ANSER_BIN ?? join(dirname(BINARY), 'anser');
const CHROMIUM = process.env.CHROMIUM_BIN ?? '/usr/bin/chromium';
const READY_WITHIN_MS = 30_000;

export interface AppKeys {
  app_key: string;
  master_secret: string;
}

export class Daemon {
  private constructor(
    private readonly folder: string,
    private readonly process: ChildProcess,
    readonly address: string,
    readonly ca: string,
  ) {}

  /** Starts the daemon with the pages of this tree; `environment` are more settings. */
  static async start(environment: Record<string, string> = {}, more: string[] = []): Promise<Daemon> {
    if (!existsSync(BINARY)) throw new Error(`there is no ${BINARY}; build it or set ANSERD_BIN`);
    const folder = await mkdtemp(join(tmpdir(), 'anser-web-'));
    const inherited = Object.entries(process.env).filter(([name]) => !name.startsWith('ANSER_'));
    const child = spawn(
      BINARY,
      ['serve', '--json', '--data-dir', join(folder, 'data'), '--listen', '127.0.0.1:0', ...more],
      {
        env: { ...Object.fromEntries(inherited), ANSER_WEB_DIST: join(WEB, 'dist'), ...environment },
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    let log = '';
    child.stderr?.on('data', (bytes) => (log = (log + String(bytes)).slice(-20_000)));
    const ready = await new Promise<{ listen: string[]; ca: string }>((resolve, reject) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`the daemon is not ready:\n${log}`));
      }, READY_WITHIN_MS);
      child.once('exit', (code) => reject(new Error(`the daemon ended with ${code}:\n${log}`)));
      child.once('error', reject);
      createInterface({ input: child.stdout! }).on('line', (line) => {
        if (!line.startsWith('{')) return;
        const told = JSON.parse(line) as { ready?: boolean; listen: string[]; ca: string };
        if (!told.ready) return;
        clearTimeout(late);
        resolve(told);
      });
    });
    return new Daemon(folder, child, ready.listen[0]!, ready.ca);
  }

  /** Where a browser finds it: the certificate is its own authority's, so tests ignore that error. */
  get url(): string {
    return `https://localhost:${this.address.split(':').at(-1)}`;
  }

  /** An administration command (`app create …`) with its JSON answer. */
  async admin<T>(...args: string[]): Promise<T> {
    const data = ['--json', '--data-dir', join(this.folder, 'data')];
    const { stdout } = await promisify(execFile)(BINARY, [...args, ...data]);
    return JSON.parse(stdout) as T;
  }

  createApp(name: string): Promise<AppKeys> {
    return this.admin('app', 'create', name);
  }

  /** What the command line client needs to know; its store is in the daemon's folder. */
  clientEnvironment(appKey: string): Record<string, string> {
    const port = this.address.split(':').at(-1)!;
    return { ANSER_SERVER: `localhost:${port}`, ANSER_CA: this.ca, ANSER_APP_KEY: appKey, HOME: this.folder };
  }

  /** The part after `#set-up=` of the link for the first operator. */
  async setUpToken(): Promise<string> {
    const link = await readFile(join(this.folder, 'data', 'set-up-link'), 'utf8');
    return link.trim().split('#set-up=')[1]!;
  }

  async stop(): Promise<void> {
    if (this.process.exitCode === null) {
      const gone = new Promise((resolve) => this.process.once('exit', resolve));
      this.process.kill('SIGKILL');
      await gone;
    }
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Debian's Chromium; as root it runs without its sandbox. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: CHROMIUM,
    args: [...(process.getuid?.() === 0 ? ['--no-sandbox'] : []), '--disable-dev-shm-usage'],
  });
}
