/** An app with people, groups, a device and a push, made by the public REST API and the command line client. */

import assert from 'node:assert/strict';
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import type { BrowserContext } from 'playwright-core';
import { clientBinary, type AppKeys, type Daemon } from '../../tests/harness.ts';

export class Rest {
  constructor(
    private readonly context: BrowserContext,
    private readonly daemon: Daemon,
    readonly app: AppKeys,
  ) {}

  async call<T>(method: string, path: string, body?: unknown): Promise<T> {
    const basic = Buffer.from(`${this.app.app_key}:${this.app.master_secret}`).toString('base64');
    const response = await this.context.request.fetch(this.daemon.url + path, {
      method,
      headers: { Authorization: `Basic ${basic}`, 'Content-Type': 'application/json' },
      data: body === undefined ? undefined : JSON.stringify(body),
    });
    const text = await response.text();
    assert.ok(response.ok(), `${method} ${path}: ${response.status()} ${text}`);
    return (text ? JSON.parse(text) : {}) as T;
  }
}

/** A device that listens: the command line client with a store of its own. */
export class Device {
  private constructor(
    readonly registrationId: string,
    private readonly process: ChildProcess,
    private readonly events: Record<string, unknown>[],
    private readonly waiting: (() => void)[],
  ) {}

  static async listen(daemon: Daemon, app: AppKeys, tag: string): Promise<Device> {
    const env = { ...process.env, ...daemon.clientEnvironment(app.app_key) };
    await promisify(execFile)(clientBinary(), ['tags', 'add', tag], { env });
    const child = spawn(clientBinary(), ['listen'], { env, stdio: ['ignore', 'pipe', 'ignore'] });
    const events: Record<string, unknown>[] = [];
    const waiting: (() => void)[] = [];
    createInterface({ input: child.stdout! }).on('line', (line) => {
      events.push(JSON.parse(line) as Record<string, unknown>);
      waiting.splice(0).forEach((wake) => wake());
    });
    const device = new Device('', child, events, waiting);
    const connected = await device.event((event) => event.event === 'connected');
    return new Device(String(connected.registration_id), child, events, waiting);
  }

  /** The first event that is as said, now or later. */
  async event(is: (event: Record<string, unknown>) => boolean): Promise<Record<string, unknown>> {
    for (;;) {
      const found = this.events.find(is);
      if (found) return found;
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  stop(): void {
    this.process.kill('SIGKILL');
  }
}

export interface World {
  rest: Rest;
  gid: number;
  roomId: number;
}

export async function people(rest: Rest, text = (name: string): string => name): Promise<World> {
  const users = ['alice', 'bob', 'carol'].map((username) => ({
    username,
    password: 'secret1',
    nickname: text(username),
  }));
  await rest.call('POST', '/v1/users', users);
  await rest.call('POST', '/v1/admins', { username: 'system', password: 'secret1' });
  const group = { owner_username: 'alice', name: text('walkers'), desc: text('on Sundays'), members_username: ['bob'] };
  const { gid } = await rest.call<{ gid: number }>('POST', '/v1/groups', group);
  const room = { owner_username: 'alice', name: text('live'), description: text('talk'), members_username: ['bob'] };
  const { chatroom_id } = await rest.call<{ chatroom_id: number }>('POST', '/v1/chatroom', room);
  await rest.call('POST', '/v1/messages', {
    version: 1,
    target_type: 'single',
    from_type: 'admin',
    msg_type: 'text',
    target_id: 'bob',
    from_id: 'system',
    msg_body: { text: text('hello Bob') },
  });
  return { rest, gid, roomId: chatroom_id };
}
