/**
 * The tabs of one user: one of them holds the link, all share one store.
 *
 * A Web Lock says who holds it: the browser gives it to the next tab when a tab ends, however it ends. (A
 * SharedWorker would do the same, but Chrome for Android has none.) A BroadcastChannel carries the other tabs' calls
 * to the holder and what the holder tells to them. A holder that does not answer, because its tab is frozen, loses
 * the lock to a tab that needs it; the epoch in the store keeps it from writing after that.
 */
import { AnserError, fail } from './errors.js';
import type { Shared, Told } from './leader.js';
import { isRepeatable } from './session/requests.js';

/** A holder takes a call over within this time, or is frozen. */
const TAKEN_WITHIN_MS = 5_000;
/** A lock that was lost is not asked for again at once. */
const AGAIN_AFTER_MS = 100;

export interface Holder {
  shared: Shared;
  start(rooms: [number, number][]): Promise<void>;
  call(name: string, args: any[]): Promise<unknown>;
  close(): void;
}

export interface TabsOptions {
  /** Names the lock and the channel. */
  name: string;
  /** Without other tabs: Node, and stores of memory. */
  isAlone: boolean;
  makeHolder: (tell: (told: Told) => Promise<void>, onReplaced: () => void) => Holder;
  onTold: (told: Told) => Promise<void>;
  /** The link has another holder: what was told meanwhile may have been missed. */
  onHolder: () => void;
  /** Rooms in which this tab is, and up to where it was told. */
  rooms: () => [number, number][];
}

interface Call {
  name: string;
  args: any[];
  isTaken: boolean;
  resolve: (value: any) => void;
  reject: (error: unknown) => void;
  timer: ReturnType<typeof setTimeout> | undefined;
}

type Post = { from: string; to?: string } & (
  | { is: 'who' }
  | { is: 'holder'; shared: Shared }
  | { is: 'rooms'; rooms: [number, number][] }
  | { is: 'told'; told: Told; byHolder: boolean }
  | { is: 'call'; id: number; name: string; args: any[] }
  | { is: 'taken'; id: number }
  | { is: 'answer'; id: number; value?: unknown; code?: number; message?: string }
);

export class Tabs {
  private id = Math.random().toString(36).slice(2);
  private channel: BroadcastChannel | null = null;
  private holder: Holder | null = null;
  private isHolding = false;
  private holderId = '';
  private calls = new Map<number, Call>();
  private lastCall = 0;
  private isClosed = false;
  private release: (() => void) | null = null;
  private queueing = new AbortController();
  private ready!: () => void;
  private fail!: (error: unknown) => void;
  private whenReady = new Promise<void>((resolve, reject) => ([this.ready, this.fail] = [resolve, reject]));

  constructor(private options: TabsOptions) {}

  /** Resolves when there is a holder, this tab or another one. */
  async open(): Promise<void> {
    this.whenReady.catch(() => {});
    if (this.options.isAlone) return this.hold();
    this.channel = new BroadcastChannel(this.options.name);
    // What could not be told now is told to the next page.
    this.channel.onmessage = ({ data }) => void this.onPost(data).catch(() => {});
    this.queue();
    this.post({ is: 'who' });
    const timer = setTimeout(() => this.steal(), TAKEN_WITHIN_MS);
    await this.whenReady;
    clearTimeout(timer);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.queueing.abort();
    this.holder?.close();
    this.release?.();
    this.channel?.close();
    for (const call of this.calls.values()) {
      clearTimeout(call.timer);
      call.reject(fail('LINK_LOST', 'this client was closed'));
    }
    this.calls.clear();
  }

  call(name: string, ...args: any[]): Promise<any> {
    if (this.isClosed) return Promise.reject(fail('LINK_LOST', 'this client was closed'));
    if (this.isHolding) return this.holder!.call(name, args);
    return new Promise((resolve, reject) => {
      const call: Call = { name, args, isTaken: false, resolve, reject, timer: undefined };
      const id = ++this.lastCall;
      this.calls.set(id, call);
      this.postCall(id, call);
    });
  }

  /** Tells the other tabs, and this one. */
  tell(told: Told, byHolder = false): Promise<void> {
    this.post({ is: 'told', told, byHolder });
    return this.options.onTold(told);
  }

  private post(post: { to?: string } & Record<string, unknown>): void {
    if (!this.isClosed) this.channel?.postMessage({ from: this.id, ...post });
  }

  private postCall(id: number, call: Call): void {
    clearTimeout(call.timer);
    this.post({ is: 'call', to: this.holderId, id, name: call.name, args: plain(call.args) });
    call.timer = setTimeout(() => !call.isTaken && this.steal(), TAKEN_WITHIN_MS);
  }

  // Who holds the link.

  private queue(): void {
    this.queueing = new AbortController();
    this.request({ signal: this.queueing.signal });
  }

  private steal(): void {
    if (this.isClosed || this.isHolding || this.release) return;
    this.queueing.abort();
    this.request({ steal: true });
  }

  private request(options: LockOptions): void {
    const ended = () => this.onLockEnded(options);
    const callback = async () => {
      if (this.isClosed) return;
      const held = new Promise<void>((resolve) => (this.release = resolve));
      await this.hold();
      await held;
    };
    navigator.locks.request(this.options.name, options, callback).then(ended, ended);
  }

  /** Another tab took the lock, this one could not use it, or the waiting for it was given up. */
  private onLockEnded(options: LockOptions): void {
    if (this.isClosed || options.signal?.aborted) return;
    this.letGo();
    setTimeout(() => !this.isClosed && this.queue(), AGAIN_AFTER_MS);
  }

  private letGo(): void {
    this.isHolding = false;
    this.holderId = '';
    this.holder?.close();
    this.holder = null;
    this.release?.();
    this.release = null;
  }

  private async hold(): Promise<void> {
    // A holder whose epoch is over has lost the lock as well, or is about to: it waits for its turn again.
    const onReplaced = () => this.letGo();
    const holder = this.options.makeHolder((told) => this.tell(told, true), onReplaced);
    this.holder = holder;
    try {
      await holder.start(this.options.rooms());
    } catch (error) {
      // Whoever opens learns of it; a tab that took over tries again.
      this.fail(error);
      throw error;
    }
    if (this.isClosed || this.holder !== holder) return holder.close();
    this.isHolding = true;
    this.holderId = this.id;
    this.post({ is: 'holder', shared: holder.shared });
    this.options.onHolder();
    this.ready();
    this.callAgain();
  }

  /** What another holder had not answered: what may be repeated is, the outcome of the rest nobody knows. */
  private callAgain(): void {
    for (const [id, call] of this.calls) {
      const isLost =
        call.isTaken && !(call.name === 'request' ? isRepeatable(call.args[0], call.args[1]) : call.name !== 'logout');
      call.isTaken = false;
      if (isLost || this.isHolding) {
        this.calls.delete(id);
        clearTimeout(call.timer);
        if (isLost) call.reject(fail('LINK_LOST', 'the tab that had the link was closed'));
        else this.holder!.call(call.name, call.args).then(call.resolve, call.reject);
      } else {
        this.postCall(id, call);
      }
    }
  }

  // What comes from other tabs.

  private async onPost(post: Post): Promise<void> {
    if (this.isClosed || (post.to !== undefined && post.to !== this.id)) return;
    switch (post.is) {
      case 'who':
        if (this.isHolding) this.post({ is: 'holder', to: post.from, shared: this.holder!.shared });
        return;
      case 'holder':
        return this.onHolder(post.from, post.shared);
      case 'rooms':
        if (this.isHolding) void this.holder!.call('enterAgain', [post.rooms]);
        return;
      case 'told':
        // What another holder says of the link is over; what a tab did to the store is for everybody.
        if (!this.isHolding || !post.byHolder) await this.options.onTold(post.told);
        return;
      case 'call':
        return this.serve(post.from, post.id, post.name, post.args);
      case 'taken':
      case 'answer': {
        const call = this.calls.get(post.id);
        if (!call) return;
        call.isTaken = true;
        clearTimeout(call.timer);
        if (post.is === 'taken') return;
        this.calls.delete(post.id);
        if (post.code === undefined) call.resolve(post.value);
        else call.reject(new AnserError(post.code, post.message));
      }
    }
  }

  private async onHolder(from: string, shared: Shared): Promise<void> {
    const isNew = this.holderId !== from;
    this.holderId = from;
    await this.options.onTold({ is: 'shared', shared });
    this.ready();
    if (!isNew) return;
    const rooms = this.options.rooms();
    if (rooms.length) this.post({ is: 'rooms', to: from, rooms });
    this.options.onHolder();
    this.callAgain();
  }

  private async serve(to: string, id: number, name: string, args: any[]): Promise<void> {
    if (!this.isHolding) return;
    this.post({ is: 'taken', to, id });
    try {
      this.post({ is: 'answer', to, id, value: await this.holder!.call(name, args) });
    } catch (error) {
      const { code, detail } = error instanceof AnserError ? error : fail('INTERNAL', String(error));
      this.post({ is: 'answer', to, id, code, message: detail });
    }
  }
}

/** What a channel can carry: frameworks hand in objects behind proxies, which it cannot. */
function plain(value: any): any {
  if (Array.isArray(value)) return value.map(plain);
  if (!value || typeof value !== 'object' || value instanceof Uint8Array) return value;
  return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, plain(item)]));
}
