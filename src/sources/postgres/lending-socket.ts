// A socket that reads into one buffer, where Node's own makes a new one for each read: a large table's reads would be most of
// the garbage that a backup makes.
import { Socket } from 'node:net';

export class LendingSocket extends Socket {
  /** Whether what 'data' gives is valid only until its listeners return; otherwise it is theirs. */
  lending = false;

  constructor() {
    super({
      onread: {
        buffer: Buffer.allocUnsafeSlow(readBytes),
        callback: (length, bytes) => {
          const read = Buffer.from(bytes.buffer, bytes.byteOffset, length);
          this.emit('data', this.lending ? read : Buffer.from(read));
          return true;
        },
      },
    });
  }
}

const readBytes = 64 * 1024;
