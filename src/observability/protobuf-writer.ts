/** The wire types of fields. */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;
const tag = (field: number, type: number): number => (field << 3) | type;

/** Below this, a length takes one byte. */
const SHORT = 0x80;
const MAX_VARINT_BYTES = 10;
const START_BYTES = 64 * 1024;

/** Protobuf that grows at its end. */
export class ProtobufWriter {
  #buffer: Buffer;
  #length = 0;

  /** @param bytes room to begin with */
  constructor(bytes = START_BYTES) {
    this.#buffer = Buffer.allocUnsafeSlow(bytes);
  }

  /** What was written since the last time. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#length);
    this.#buffer = Buffer.allocUnsafeSlow(this.#buffer.length);
    this.#length = 0;
    return taken;
  }

  #reserve(bytes: number): Buffer {
    if (this.#length + bytes > this.#buffer.length) {
      const larger = Buffer.allocUnsafeSlow(2 * this.#buffer.length + bytes);
      this.#buffer.copy(larger, 0, 0, this.#length);
      this.#buffer = larger;
    }
    return this.#buffer;
  }

  #byte(value: number): void {
    this.#reserve(1)[this.#length++] = value;
  }

  /** A whole number from 0. */
  number(field: number, value: number): void {
    this.#byte(tag(field, VARINT));
    this.#varint(value);
  }

  #varint(value: number): void {
    const buffer = this.#reserve(MAX_VARINT_BYTES);
    let rest = value;
    while (rest >= SHORT) {
      buffer[this.#length++] = (rest % SHORT) | SHORT;
      rest = Math.floor(rest / SHORT);
    }
    buffer[this.#length++] = rest;
  }

  /**
   * A nested message, whose length is written after it.
   * @param lengthBytes so many bytes are left for it: 2 for less than 16 KiB
   * @returns where the message begins, for `finish`
   */
  begin(field: number, lengthBytes: 2 | 4 = 4): number {
    this.#byte(tag(field, BYTES));
    this.#reserve(lengthBytes);
    this.#length += lengthBytes;
    return this.#length;
  }

  finish(begin: number, lengthBytes: 2 | 4 = 4): void {
    const buffer = this.#buffer;
    let rest = this.#length - begin;
    for (let at = begin - lengthBytes; at < begin - 1; at += 1) {
      buffer[at] = (rest & 0x7f) | SHORT;
      rest >>>= 7;
    }
    buffer[begin - 1] = rest;
  }

  /** Fields that are written already. */
  append(fields: Buffer): void {
    this.#reserve(fields.length);
    this.#length += fields.copy(this.#buffer, this.#length);
  }

  string(field: number, text: string): void {
    this.#byte(tag(field, BYTES));
    if (text.length < SHORT && this.#ascii(text)) return;
    const bytes = Buffer.byteLength(text);
    this.#varint(bytes);
    this.#reserve(bytes);
    this.#length += this.#buffer.write(text, this.#length);
  }

  /** Writes a short text with its length, unless it has other characters. */
  #ascii(text: string): boolean {
    const { length } = text;
    const buffer = this.#reserve(length + 1);
    let at = this.#length;
    buffer[at++] = length;
    for (let index = 0; index < length; index += 1) {
      const code = text.charCodeAt(index);
      if (code >= SHORT) return false;
      buffer[at++] = code;
    }
    this.#length = at;
    return true;
  }

  /** Hexadecimal digits, as bytes. */
  id(field: number, digits: string): void {
    const bytes = digits.length >> 1;
    const buffer = this.#reserve(bytes + 2);
    let at = this.#length;
    buffer[at++] = tag(field, BYTES);
    buffer[at++] = bytes;
    buffer.write(digits, at, 'hex');
    this.#length = at + bytes;
  }

  /** Milliseconds, as nanoseconds in 64 bits, which a number does not hold. */
  time(field: number, milliseconds: number): void {
    this.#byte(tag(field, FIXED64));
    const seconds = Math.floor(milliseconds / 1000);
    const nanoseconds = Math.round((milliseconds - seconds * 1000) * 1e6);
    const low = (seconds & 0xffff) * 1e9 + nanoseconds;
    const high = Math.floor(seconds / 0x10000) * 1e9 + Math.floor(low / 0x10000);
    const buffer = this.#reserve(8);
    buffer.writeUIntLE(low % 0x10000, this.#length, 2);
    buffer.writeUIntLE(high, this.#length + 2, 6);
    this.#length += 8;
  }

  fixed32(field: number, value: number): void {
    this.#varint(tag(field, FIXED32));
    this.#reserve(4).writeUInt32LE(value, this.#length);
    this.#length += 4;
  }

  double(field: number, value: number): void {
    this.#byte(tag(field, FIXED64));
    this.#reserve(8).writeDoubleLE(value, this.#length);
    this.#length += 8;
  }
}
