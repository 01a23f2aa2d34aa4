// A socket for large tables: it reads into one buffer, where Node's own makes a new one for each read, which would be most of the
// garbage that a backup makes; and it rests after short reads. The server sends 8 KiB at a time, and to wake this process for each takes
// both of them longer than to copy them.
import { Socket } from 'node:net';

export class LendingSocket extends Socket {
  /** Whether what 'data' gives is valid only until its listeners return; otherwise it is theirs. */
  lending = false;
  /** How much was lent since that began. */
  #lentBytes = 0;
  #rest: NodeJS.Timeout | undefined;

  constructor() {
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (length, bytes) => {
          const read = Buffer.from(bytes.buffer, bytes.byteOffset, length);
          this.emit('data', this.lending ? read : Buffer.from(read));
          this.#lentBytes = this.lending ? this.#lentBytes + length : 0;
          if (this.#lentBytes > largeBytes && length < readBytes && !this.isPaused()) this.#restAWhile();
          return true;
        },
      },
    });
  }

  override pause(): this {
    clearTimeout(this.#rest);
    return super.pause();
  }

  override resume(): this {
    clearTimeout(this.#rest);
    return super.resume();
  }

  #restAWhile(): void {
    this.pause();
    this.#rest = setTimeout(() => this.resume(), restMs);
  }
}

const readBytes = 64 * 1024;
/** A table of fewer bytes is not kept waiting. */
const largeBytes = 1024 * 1024;
const restMs = 1;
