// What of a process's memory somebody still holds, whenever garbage would be collected.
import { giveBackMemory } from '../../src/daemon/give-back-memory.ts';

/** Bytes of buffers. It takes some tens of milliseconds. */
export const heldBufferBytes = (): number => {
  giveBackMemory();
  return process.memoryUsage().arrayBuffers;
};
