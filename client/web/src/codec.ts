/**
 * Frames to bytes and back, as PROTOCOL.md has them: postcard, with the numbered names and the steps of each direction.
 *
 * Whole numbers are `number`; only what is above 2^53 - 1 is a `bigint`. Chats are `{user}`, `{group}` or `'notices'`,
 * the server as a sender is the empty text. What does not follow the rules throws `Malformed`; after that a codec has
 * lost its place and the link is to end.
 */
import { clientKinds, kindByType, serverKinds, structs } from './schema.js';
import type { Fields, FrameKind, Shape } from './schema.js';

export class Malformed extends Error {}
/** The frame is longer than its direction allows; nothing was written. */
export class TooLong extends Error {}

/** A frame's fields by name, as the schema has them. */
export type Body = Record<string, any>;
export interface Frame {
  name: string;
  body: Body;
  type: number;
}
export type WireChat = { user: string } | { group: number } | 'notices';
export interface Ext {
  tag: number;
  value: Uint8Array;
}

export const FRAME_BYTES_MAX = 65536;
export const CLIENT_FRAME_BYTES_MAX = 32768;
const NAMES_PER_LINK = 64;
const NAME_BYTES_MAX = 128;
const FIRST_SLOT = 8;
const TWO_64 = 1n << 64n;

const utf8 = new TextEncoder();
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
export const toBytes = (text: string): Uint8Array => utf8.encode(text);
/** Throws on what is not UTF-8. */
export const toText = (bytes: Uint8Array): string => strictUtf8.decode(bytes);
export const byteLength = (text: string): number => utf8.encode(text).length;

const narrow = (value: bigint): number | bigint => (value <= Number.MAX_SAFE_INTEGER ? Number(value) : value);
const wrap = (value: bigint): bigint => ((value % TWO_64) + TWO_64) % TWO_64;

/** The names that went one way: the last 64, numbered in turn. */
class Slots {
  private names: string[] = [];
  private next = 0;

  introduce(name: string): void {
    this.names[this.next] = name;
    this.next = (this.next + 1) % NAMES_PER_LINK;
  }

  numberOf(name: string): number {
    return this.names.indexOf(name);
  }

  at(number: number): string | undefined {
    return this.names[number];
  }

  copy(): Slots {
    return Object.assign(new Slots(), { names: [...this.names], next: this.next });
  }
}

/** What both ends know of one direction. */
class Direction {
  chats = new Slots();
  senders = new Slots();
  myself: string | undefined;
  position: bigint = 0n;
  time: bigint = 0n;
  delivered: bigint = 0n;
  /** Of the frame at hand: where the records of a page stand, and the chat that they are of. */
  record: bigint = 0n;
  chat: WireChat = 'notices';
}

const slotName = (chat: WireChat): string =>
  chat === 'notices' ? 'n' : 'user' in chat ? `u${chat.user}` : `g${chat.group}`;
const ofSlot = (name: string): WireChat =>
  name[0] === 'u' ? { user: name.slice(1) } : { group: Number(name.slice(1)) };
const peerOf = (chat: WireChat): string | undefined => (chat !== 'notices' && 'user' in chat ? chat.user : undefined);

class Reader {
  at = 0;
  constructor(
    private bytes: Uint8Array,
    private direction: Direction,
  ) {}

  isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }

  varint(bits: number): number | bigint {
    const most = bits === 64 ? 10 : bits === 32 ? 5 : 3;
    let low = 0;
    let value = 0n;
    for (let index = 0; index < most; index++) {
      const byte = this.byte();
      // Up to 49 bits fit a double by plain arithmetic.
      if (index < 7) low += (byte & 0x7f) * 2 ** (7 * index);
      else value |= BigInt(byte & 0x7f) << BigInt(7 * index);
      if (byte < 0x80) {
        if (index < 7 && bits === 64) return low;
        value += BigInt(low);
        if (value >= 1n << BigInt(bits)) throw new Malformed();
        return narrow(value);
      }
    }
    throw new Malformed();
  }

  byte(): number {
    const byte = this.bytes[this.at++];
    if (byte === undefined) throw new Malformed();
    return byte;
  }

  count(): number {
    const length = Number(this.varint(64));
    // Every item has a byte at least.
    if (length > this.bytes.length - this.at) throw new Malformed();
    return length;
  }

  take(length: number): Uint8Array {
    if (length > this.bytes.length - this.at) throw new Malformed();
    this.at += length;
    return this.bytes.slice(this.at - length, this.at);
  }

  private text(): string {
    try {
      return toText(this.take(this.count()));
    } catch {
      throw new Malformed();
    }
  }

  private bool(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new Malformed();
    return byte === 1;
  }

  private step(from: bigint): bigint {
    const zigzag = BigInt(this.varint(64));
    return wrap(from + ((zigzag >> 1n) ^ -(zigzag & 1n)));
  }

  struct(fields: Fields): Body {
    const body: Body = {};
    for (const [name, shape] of fields) body[name] = this.value(shape, body);
    return body;
  }

  private value(shape: Shape, body: Body): unknown {
    const one = { base: shape.base };
    if (shape.option) return this.bool() ? this.value(one, body) : null;
    if (shape.most === undefined) return this.one(shape.base, body);
    const length = this.count();
    if (length > shape.most) throw new Malformed();
    const items: unknown[] = [];
    while (items.length < length) items.push(this.one(shape.base, body));
    return items;
  }

  private one(base: string, body: Body): unknown {
    const direction = this.direction;
    switch (base) {
      case 'u8':
        return this.byte();
      case 'u16':
        return this.varint(16);
      case 'u32':
        return this.varint(32);
      case 'u64':
        return this.varint(64);
      case 'bool':
        return this.bool();
      case 'text':
        return this.text();
      case 'bytes':
        return this.take(this.count());
      case '16':
        return this.take(16);
      case 'chat':
        return (direction.chat = this.chat());
      case 'user':
        return this.user();
      case 'positionStep':
        return narrow((direction.position = this.step(direction.position)));
      case 'timeStep':
        return narrow((direction.time = this.step(direction.time)));
      case 'afterStep':
        return narrow(this.step(direction.delivered));
      case 'recordStep':
        return narrow((direction.record = this.step(direction.record)));
      case 'difference':
        return narrow(wrap(BigInt(body.after) + BigInt(this.varint(64))));
      default:
        return this.struct(structs.get(base)!);
    }
  }

  private chat(): WireChat {
    const { chats } = this.direction;
    const reference = Number(this.varint(64));
    if (reference === 3) return 'notices';
    if (reference > 1) {
      const name = chats.at(reference - FIRST_SLOT);
      if (reference < FIRST_SLOT || name === undefined) throw new Malformed();
      return ofSlot(name);
    }
    const chat: WireChat = reference === 0 ? { user: this.text() } : { group: Number(this.varint(32)) };
    if (!('user' in chat) || byteLength(chat.user) <= NAME_BYTES_MAX) chats.introduce(slotName(chat));
    return chat;
  }

  private user(): string {
    const { senders, chat, myself } = this.direction;
    const reference = Number(this.varint(64));
    if (reference === 0) {
      const name = this.text();
      if (name !== peerOf(chat) && byteLength(name) <= NAME_BYTES_MAX) senders.introduce(name);
      return name;
    }
    if (reference === 1) return '';
    const name =
      reference === 2
        ? peerOf(chat)
        : reference === 3
          ? myself
          : reference < FIRST_SLOT
            ? undefined
            : senders.at(reference - FIRST_SLOT);
    if (name === undefined) throw new Malformed();
    return name;
  }
}

class Writer {
  private bytes = new Uint8Array(256);
  private length = 0;
  constructor(private direction: Direction) {}

  taken(): Uint8Array {
    return this.bytes.slice(0, this.length);
  }

  private room(more: number): void {
    if (this.length + more <= this.bytes.length) return;
    const larger = new Uint8Array(2 * (this.length + more));
    larger.set(this.bytes);
    this.bytes = larger;
  }

  byte(byte: number): void {
    this.room(1);
    this.bytes[this.length++] = byte;
  }

  varint(value: number | bigint): void {
    let rest = BigInt(value);
    for (; rest >= 0x80n; rest >>= 7n) this.byte(Number(rest & 0x7fn) | 0x80);
    this.byte(Number(rest));
  }

  private put(bytes: Uint8Array): void {
    this.room(bytes.length);
    this.bytes.set(bytes, this.length);
    this.length += bytes.length;
  }

  private sized(bytes: Uint8Array): void {
    this.varint(bytes.length);
    this.put(bytes);
  }

  private step(from: bigint, to: number | bigint): bigint {
    const signed = BigInt.asIntN(64, BigInt(to) - from);
    this.varint(BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n)));
    return BigInt(to);
  }

  struct(fields: Fields, body: Body): void {
    for (const [name, shape] of fields) this.value(shape, body[name], body);
  }

  private value(shape: Shape, value: unknown, body: Body): void {
    if (shape.option) {
      this.byte(value == null ? 0 : 1);
      if (value != null) this.one(shape.base, value, body);
    } else if (shape.most === undefined) {
      this.one(shape.base, value, body);
    } else {
      const items = (value ?? []) as unknown[];
      this.varint(items.length);
      for (const item of items) this.one(shape.base, item, body);
    }
  }

  private one(base: string, value: any, body: Body): void {
    const direction = this.direction;
    switch (base) {
      case 'u8':
        return this.byte(value);
      case 'u16':
      case 'u32':
      case 'u64':
        return this.varint(value);
      case 'bool':
        return this.byte(value ? 1 : 0);
      case 'text':
        return this.sized(toBytes(value));
      case 'bytes':
        return this.sized(value);
      case '16':
        return this.put(value);
      case 'chat':
        return this.chat(value);
      case 'user':
        return this.user(value);
      case 'positionStep':
        direction.position = this.step(direction.position, value);
        return;
      case 'timeStep':
        direction.time = this.step(direction.time, value);
        return;
      case 'afterStep':
        this.step(direction.delivered, value);
        return;
      case 'recordStep':
        direction.record = this.step(direction.record, value);
        return;
      case 'difference':
        return this.varint(wrap(BigInt(value) - BigInt(body.after)));
      default:
        return this.struct(structs.get(base)!, value);
    }
  }

  private chat(chat: WireChat): void {
    const { chats } = this.direction;
    this.direction.chat = chat;
    if (chat === 'notices') return this.varint(3);
    const number = chats.numberOf(slotName(chat));
    if (number >= 0) return this.varint(number + FIRST_SLOT);
    if ('user' in chat) {
      this.varint(0);
      this.sized(toBytes(chat.user));
      if (byteLength(chat.user) > NAME_BYTES_MAX) return;
    } else {
      this.varint(1);
      this.varint(chat.group);
    }
    chats.introduce(slotName(chat));
  }

  private user(name: string): void {
    const { senders, chat, myself } = this.direction;
    if (name === '') return this.varint(1);
    if (name === peerOf(chat)) return this.varint(2);
    if (name === myself) return this.varint(3);
    const number = senders.numberOf(name);
    if (number >= 0) return this.varint(number + FIRST_SLOT);
    this.varint(0);
    this.sized(toBytes(name));
    if (byteLength(name) <= NAME_BYTES_MAX) senders.introduce(name);
  }
}

/** What a whole frame changes of its direction. */
function settle(direction: Direction, name: string, body: Body): void {
  if (name === 'Deliver') direction.delivered = BigInt(body.position);
  else if (name === 'Covered' || (name === 'CatchUp' && body.is_last)) direction.delivered = BigInt(body.to);
  else if (name === 'LoggedIn') direction.myself = body.username;
}

/** Reads one direction of a link. */
export class Decoder {
  private direction = new Direction();
  constructor(private isOfClient: boolean) {}

  decode(bytes: Uint8Array): Frame {
    const reader = new Reader(bytes, this.direction);
    const type = Number(reader.varint(64));
    const kind = kindByType.get(type);
    if (!kind || kind.isOfClient !== this.isOfClient) return { type, name: 'Unknown', body: {} };
    const { name, fields } = kind;
    this.direction.chat = 'notices';
    this.direction.record = 0n;
    if (name === 'CatchUp') {
      // Its records count from `to`, which stands before them.
      const head = new Reader(bytes, new Direction());
      head.at = reader.at;
      this.direction.record = BigInt(head.struct(fields.slice(0, 2)).to);
    }
    const body = reader.struct(fields);
    if (!reader.isAtEnd()) throw new Malformed();
    settle(this.direction, name, body);
    return { type, name, body };
  }
}

/** Writes one direction of a link. A frame that is too long changes nothing. */
export class Encoder {
  private direction = new Direction();
  constructor(private isOfClient: boolean) {}

  encode(name: string, body: Body = {}): Uint8Array {
    const kind = (this.isOfClient ? clientKinds : serverKinds).get(name) as FrameKind;
    const { chats, senders } = this.direction;
    Object.assign(this.direction, { chats: chats.copy(), senders: senders.copy() });
    this.direction.record = name === 'CatchUp' ? BigInt(body.to) : 0n;
    if (name === 'LoggedIn') this.direction.myself = body.username;
    const writer = new Writer(this.direction);
    writer.varint(kind.type);
    writer.struct(kind.fields, body);
    const bytes = writer.taken();
    if (bytes.length > (this.isOfClient ? CLIENT_FRAME_BYTES_MAX : FRAME_BYTES_MAX)) {
      Object.assign(this.direction, { chats, senders });
      throw new TooLong();
    }
    settle(this.direction, name, body);
    return bytes;
  }
}

/** A body that stands inside another one; bytes behind its last field are skipped. */
export function decodeStruct(name: string, bytes: Uint8Array): Body {
  return new Reader(bytes, new Direction()).struct(structs.get(name)!);
}

export function encodeStruct(name: string, body: Body): Uint8Array {
  const writer = new Writer(new Direction());
  writer.struct(structs.get(name)!, body);
  return writer.taken();
}

export function readVarints(bytes: Uint8Array): number[] {
  const reader = new Reader(bytes, new Direction());
  const values: number[] = [];
  while (!reader.isAtEnd()) values.push(Number(reader.varint(64)));
  return values;
}

export function writeVarint(value: number): Uint8Array {
  const writer = new Writer(new Direction());
  writer.varint(value);
  return writer.taken();
}
