/** A daemon of its own for a test file: free ports, its own data folder, ended with the file. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

const run = promisify(execFile);
const tree = new URL('../../..', import.meta.url).pathname;
export const anserd = process.env.ANSERD_BIN ?? join(tree, 'target/debug/anserd');

export class Daemon {
  readonly dir = mkdtempSync(join(tmpdir(), 'anser-web-'));
  private child: ChildProcess | undefined;
  port = 0;
  appKey = '';
  masterSecret = '';

  static async start(settings = ''): Promise<Daemon> {
    const daemon = new Daemon();
    writeFileSync(join(daemon.dir, 'anserd.toml'), `log_level = "warn"\n${settings}`);
    await daemon.serve();
    const { stdout } = await daemon.command('app', 'create', '--json', 'web');
    const app = JSON.parse(stdout);
    daemon.appKey = app.app_key;
    daemon.masterSecret = app.master_secret;
    return daemon;
  }

  get data(): string {
    return join(this.dir, 'data');
  }

  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  command(...args: string[]): Promise<{ stdout: string; stderr: string }> {
    const [first, second, ...rest] = args;
    return run(anserd, [first!, second!, '--data-dir', this.data, ...rest]);
  }

  async serve(): Promise<void> {
    const args = [
      'serve',
      '--json',
      '--config',
      join(this.dir, 'anserd.toml'),
      '--data-dir',
      this.data,
      '--listen',
      `127.0.0.1:${this.port}`,
    ];
    this.child = spawn(anserd, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    for await (const line of createInterface({ input: this.child.stdout! })) {
      const told = JSON.parse(line);
      this.port = Number(/:(\d+)$/.exec(JSON.stringify(told).match(/127\.0\.0\.1:\d+/)![0])![1]);
      return;
    }
    throw new Error('the daemon does not serve');
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill('SIGTERM');
    rmSync(this.dir, { recursive: true, force: true });
  }

  get ca(): string {
    const path = join(this.data, 'ca.pem');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** A call of the public REST API in the app's name. */
  rest(method: string, path: string, body?: unknown): Promise<any> {
    const { ca, port, appKey, masterSecret } = this;
    return new Promise((resolve, reject) => {
      const call = request(
        {
          host: 'localhost',
          port,
          ca,
          method,
          path,
          auth: `${appKey}:${masterSecret}`,
          headers: { 'Content-Type': 'application/json' },
        },
        (response) => {
          let text = '';
          response.on('data', (part) => (text += part));
          response.on('end', () => {
            if (response.statusCode! >= 400) reject(new Error(`${response.statusCode} ${text}`));
            else resolve(text ? JSON.parse(text) : undefined);
          });
        },
      );
      call.on('error', reject);
      call.end(body === undefined ? undefined : JSON.stringify(body));
    });
  }
}

/** Waits until something is so; fails with what was seen last. */
export async function until<T>(what: string, look: () => T | Promise<T>, withinMs = 20_000): Promise<NonNullable<T>> {
  const end = Date.now() + withinMs;
  for (;;) {
    const seen = await look();
    if (seen) return seen;
    if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
