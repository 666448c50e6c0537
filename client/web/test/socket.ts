/**
 * A WebSocket for Node 20, as much of it as the SDK uses, on node:https; and a fetch that trusts the daemon's own
 * authority.
 */
import { randomBytes } from 'node:crypto';
import { request } from 'node:https';
import type { Duplex } from 'node:stream';

export class Socket {
  binaryType = 'arraybuffer';
  onopen: (() => void) | null = null;
  onmessage: ((event: { data: ArrayBuffer }) => void) | null = null;
  onclose: (() => void) | null = null;
  private stream: Duplex | null = null;
  private received = Buffer.alloc(0);
  private isClosed = false;
  /** All that are open: a test cuts them. */
  static open = new Set<Socket>();

  constructor(url: string, ca: string) {
    const { hostname, port, pathname } = new URL(url);
    const call = request({
      hostname,
      port,
      path: pathname,
      ca,
      headers: {
        Connection: 'Upgrade',
        Upgrade: 'websocket',
        'Sec-WebSocket-Version': 13,
        'Sec-WebSocket-Key': randomBytes(16).toString('base64'),
      },
    });
    call.on('upgrade', (_, stream, head) => {
      this.stream = stream;
      if (this.isClosed) return void stream.destroy();
      Socket.open.add(this);
      stream.on('data', (part) => this.onData(part));
      stream.on('close', () => this.end());
      stream.on('error', () => this.end());
      this.onopen?.();
      if (head.length) this.onData(head);
    });
    call.on('response', () => this.end());
    call.on('error', () => this.end());
    call.end();
  }

  private end(): void {
    Socket.open.delete(this);
    if (this.isClosed) return;
    this.isClosed = true;
    this.stream?.destroy();
    this.onclose?.();
  }

  /** The network is gone. */
  cut(): void {
    this.stream?.destroy();
  }

  close(): void {
    this.isClosed = true;
    Socket.open.delete(this);
    this.stream?.end(frame(8, new Uint8Array()));
  }

  send(bytes: Uint8Array): void {
    this.stream?.write(frame(2, bytes));
  }

  private onData(part: Buffer): void {
    this.received = Buffer.concat([this.received, part]);
    for (;;) {
      const { received } = this;
      if (received.length < 2) return;
      let length = received[1]! & 0x7f;
      let at = 2;
      if (length === 126) [length, at] = [received.length < 4 ? Infinity : received.readUInt16BE(2), 4];
      else if (length === 127)
        [length, at] = [received.length < 10 ? Infinity : Number(received.readBigUInt64BE(2)), 10];
      if (received.length < at + length) return;
      const body = received.subarray(at, at + length);
      this.received = received.subarray(at + length);
      const kind = received[0]! & 0x0f;
      if (kind === 2) this.onmessage?.({ data: new Uint8Array(body).buffer });
      else if (kind === 8) return this.end();
    }
  }
}

function frame(kind: number, body: Uint8Array): Buffer {
  const mask = randomBytes(4);
  const long = body.length > 125;
  const head = Buffer.alloc(long ? 4 : 2);
  head[0] = 0x80 | kind;
  head[1] = 0x80 | (long ? 126 : body.length);
  if (long) head.writeUInt16BE(body.length, 2);
  return Buffer.concat([head, mask, body.map((byte, index) => byte ^ mask[index % 4]!)]);
}

export const trusting = (ca: string) =>
  class extends Socket {
    constructor(url: string) {
      super(url, ca);
    }
  };

/** `fetch` as far as media need it. */
export const fetching =
  (ca: string): typeof fetch =>
  async (input, init = {}) => {
    const body = init.body ? Buffer.from(await (init.body as Blob).arrayBuffer()) : undefined;
    return new Promise((resolve, reject) => {
      const headers = { ...(init.headers as Record<string, string>), ...(body && { 'Content-Length': body.length }) };
      const call = request(String(input), { ca, method: init.method ?? 'GET', headers }, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => {
          const has = ![204, 304].includes(response.statusCode!) && init.method !== 'HEAD';
          resolve(
            new Response(has ? Buffer.concat(parts) : null, {
              status: response.statusCode!,
              headers: response.headers as any,
            }),
          );
        });
      });
      call.on('error', reject);
      call.end(body);
    });
  };
