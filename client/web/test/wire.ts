/** A wire between client and daemon that can be cut and stalled. */
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export class Wire {
  port = 0;
  isCut = false;
  private sockets = new Set<Socket>();
  private server = createServer((near) => this.onConnection(near));

  static async to(port: number): Promise<Wire> {
    const wire = new Wire(port);
    await new Promise<void>((resolve) => wire.server.listen(0, '127.0.0.1', resolve));
    wire.port = (wire.server.address() as AddressInfo).port;
    return wire;
  }

  private constructor(private far: number) {}

  get origin(): string {
    return `https://localhost:${this.port}`;
  }

  private onConnection(near: Socket): void {
    if (this.isCut) return void near.destroy();
    const far = connect(this.far, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.sockets.add(one);
      one.on('data', (bytes) => {
        other.write(bytes);
      });
      one.on('error', () => {});
      one.on('close', () => {
        this.sockets.delete(one);
        other.destroy();
      });
    }
  }

  /** Nothing gets through, and everybody sees it. */
  cut(): void {
    this.isCut = true;
    for (const socket of this.sockets) socket.destroy();
  }

  /** What is written now vanishes, and nobody sees it. Connections that begin later are whole. */
  stallOpen(): void {
    for (const socket of this.sockets) socket.removeAllListeners('data').on('data', () => {});
  }

  mend(): void {
    this.isCut = false;
  }

  close(): void {
    this.cut();
    this.server.close();
  }
}
