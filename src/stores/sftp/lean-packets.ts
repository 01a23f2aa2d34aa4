// What ssh2 does for each packet and each request, with less work and memory: it sets a cipher up from the bare key, keeps three copies of what
// is sent, and writes each packet to the socket in three parts. Where its inside is not as known here, it is left to itself.
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto';
import type { Socket } from 'node:net';
import type ssh2 from 'ssh2';
import type { SFTPWrapper } from 'ssh2';

/** Call it before the client connects. */
export const leanPackets = (client: ssh2.Client): void => {
  client.once('handshake', () => gatherWrites(Reflect.get(client, '_sock') as Partial<Socket>));
  // There are new keys each time.
  client.on('handshake', () => {
    const protocol = Reflect.get(client, '_protocol') as
      | { readonly _cipher?: Partial<GcmCipher>; readonly _decipher?: Partial<GcmDecipher> }
      | undefined;
    const { _cipher: cipher, _decipher: decipher } = protocol ?? {};
    if (isGcmCipher(cipher)) sendLean(cipher);
    if (isGcmDecipher(decipher)) receiveLean(decipher);
  });
};

/** What is sent in one turn goes to the kernel together. */
const gatherWrites = (socket: Partial<Socket>): void => {
  const { write, cork, uncork } = socket;
  if (!write || !cork || !uncork) return;
  socket.write = ((...args: Parameters<Socket['write']>) => {
    if (socket.writableCorked === 0) {
      cork.call(socket);
      process.nextTick(() => uncork.call(socket));
    }
    return write.apply(socket, args);
  }) as Socket['write'];
};

/** AES-GCM as OpenSSH has it (PROTOCOL, section 1.6): the length in the clear, the encrypted packet, the tag. */
interface GcmCipher {
  readonly _encSSLName: 'aes-128-gcm' | 'aes-256-gcm';
  readonly _encKey: Buffer;
  readonly _encIV: Buffer;
  readonly _onWrite: (bytes: Buffer) => void;
  readonly _dead: boolean;
  outSeqno: number;
  /** Room for a packet; what is put there is encrypted at once, before there is another. */
  allocPacket(payloadBytes: number): Buffer;
  encrypt(packet: Buffer): void;
}

const isGcmCipher = (cipher: Partial<GcmCipher> | undefined): cipher is GcmCipher =>
  /^aes-(128|256)-gcm$/.test(cipher?._encSSLName ?? '') &&
  Buffer.isBuffer(cipher?._encKey) &&
  cipher._encIV?.length === 12 &&
  typeof cipher._onWrite === 'function';

const lengthBytes = 4;
const blockBytes = 16;
const tagBytes = 16;
const leastPadding = 4;
/** Larger than any packet that OpenSSH takes. */
const roomBytes = 40_000;

const sendLean = (cipher: GcmCipher): void => {
  const key = createSecretKey(cipher._encKey);
  const iv = cipher._encIV;
  const room = Buffer.alloc(roomBytes);
  /** An encrypted packet has a tag, so that its padding hides nothing but the length. */
  const padding = randomBytes(2 * blockBytes);
  cipher.allocPacket = (payloadBytes) => {
    const unpadded = 1 + payloadBytes + leastPadding;
    const paddingBytes = leastPadding + ((blockBytes - (unpadded % blockBytes)) % blockBytes);
    const packetBytes = 1 + payloadBytes + paddingBytes;
    const total = lengthBytes + packetBytes;
    const packet = total <= roomBytes ? room.subarray(0, total) : Buffer.alloc(total);
    packet.writeUInt32BE(packetBytes, 0);
    packet[lengthBytes] = paddingBytes;
    packet.set(padding.subarray(0, paddingBytes), lengthBytes + 1 + payloadBytes);
    return packet;
  };
  cipher.encrypt = (packet) => {
    if (cipher._dead) return;
    const aes = createCipheriv(cipher._encSSLName, key, iv);
    const length = Buffer.from(packet.subarray(0, lengthBytes)); // a copy: it may wait in the socket
    aes.setAAD(length);
    cipher._onWrite(length);
    cipher._onWrite(aes.update(packet.subarray(lengthBytes)));
    aes.final();
    cipher._onWrite(aes.getAuthTag());
    addOne(iv);
    cipher.outSeqno = (cipher.outSeqno + 1) >>> 0;
  };
};

interface GcmDecipher {
  readonly _decipherSSLName: 'aes-128-gcm' | 'aes-256-gcm';
  readonly _decipherKey: Buffer;
  readonly _decipherIV: Buffer;
  readonly _onPayload: (payload: Buffer) => false | number | undefined;
  /** How much of a packet's length has come. */
  readonly _lenBytes: number;
  inSeqno: number;
  /** Takes the bytes from `at` to `end`, or says how far it came when what follows is for another. */
  decrypt(data: Buffer, at: number, end: number): number | undefined;
}

const isGcmDecipher = (decipher: Partial<GcmDecipher> | undefined): decipher is GcmDecipher =>
  /^aes-(128|256)-gcm$/.test(decipher?._decipherSSLName ?? '') &&
  Buffer.isBuffer(decipher?._decipherKey) &&
  decipher._decipherIV?.length === 12 &&
  typeof decipher._onPayload === 'function' &&
  decipher._lenBytes === 0;

const receiveLean = (decipher: GcmDecipher): void => {
  const key = createSecretKey(decipher._decipherKey);
  const iv = decipher._decipherIV;
  /** The beginning of a packet whose end has not come. */
  const begun = Buffer.alloc(roomBytes);
  let filled = 0;
  const open = (packet: Buffer): Buffer => {
    const aes = createDecipheriv(decipher._decipherSSLName, key, iv);
    aes.setAAD(packet.subarray(0, lengthBytes));
    aes.setAuthTag(packet.subarray(-tagBytes));
    const plain = aes.update(packet.subarray(lengthBytes, -tagBytes));
    aes.final(); // throws when a bit was changed
    addOne(iv);
    decipher.inSeqno = (decipher.inSeqno + 1) >>> 0;
    return plain.subarray(1, plain.length - (plain[0] as number));
  };
  decipher.decrypt = (data, start, end) => {
    for (let at = start; at < end; ) {
      const wanted = wantedOf(filled > 0 ? begun.subarray(0, filled) : data.subarray(at, end));
      let packet: Buffer | undefined;
      if (filled === 0 && wanted > lengthBytes && wanted <= end - at) {
        packet = data.subarray(at, at + wanted);
        at += wanted;
      } else {
        const copied = data.copy(begun, filled, at, Math.min(end, at + wanted - filled));
        at += copied;
        filled += copied;
        if (filled === wanted && wanted > lengthBytes) packet = begun.subarray(0, wanted);
      }
      if (packet === undefined) continue;
      filled = 0;
      const result = decipher._onPayload(open(packet));
      if (result !== undefined) return result === false ? at : result;
    }
    return undefined;
  };
};

/** How long the packet is that begins so; that of its length until that is there. */
const wantedOf = (beginning: Buffer): number => {
  if (beginning.length < lengthBytes) return lengthBytes;
  const length = beginning.readUInt32BE(0);
  const total = lengthBytes + length + tagBytes;
  if (length < blockBytes || length % blockBytes !== 0 || total > roomBytes)
    throw new Error('Bad packet length');
  return total;
};

/** To the counter of packets, which is the last eight bytes. */
const addOne = (iv: Buffer): void => {
  iv.writeBigUInt64BE(BigInt.asUintN(64, iv.readBigUInt64BE(4) + 1n), 4);
};

/** How ssh2 keeps what it has asked and what waits for room in the window. */
interface SftpInside {
  _writeReqid: number;
  readonly _requests: Record<number, { cb(error?: Error): void }>;
  _buffer: Buffer[];
  _waitWindow: boolean;
  _chunkcb: (() => void) | undefined;
  readonly outgoing: {
    readonly id: number;
    readonly state: string;
    window: number;
    readonly packetSize: number;
  };
  readonly _protocol: { channelData(id: number, bytes: Buffer): void };
}

const isKnown = (sftp: Partial<SftpInside>): sftp is SftpInside =>
  typeof sftp._writeReqid === 'number' &&
  typeof sftp._requests === 'object' &&
  Array.isArray(sftp._buffer) &&
  typeof sftp.outgoing?.window === 'number' &&
  typeof sftp._protocol?.channelData === 'function';

/** Asks to write bytes that fit into one request, and must stay as they are until the answer; they are not copied before they are sent. */
export const writePiece = (
  sftp: SFTPWrapper,
  file: Buffer,
  bytes: Buffer,
  position: number,
  answer: (error?: Error | null) => void,
): void => {
  const inside = sftp as unknown as Partial<SftpInside>;
  if (bytes.length === 0 || !isKnown(inside)) {
    sftp.write(file, bytes, 0, bytes.length, position, answer);
    return;
  }
  const id = (inside._writeReqid + 1) >>> 0;
  inside._writeReqid = id;
  inside._requests[id] = { cb: answer };
  inside._buffer.push(writeHeader(id, file, bytes.length, position), bytes);
  if (!inside._waitWindow) sendWaiting(inside);
};

/** SSH_FXP_WRITE (draft-ietf-secsh-filexfer-02, section 6.4) up to its data. */
const writeHeader = (id: number, file: Buffer, length: number, position: number): Buffer => {
  const header = Buffer.alloc(25 + file.length);
  header.writeUInt32BE(header.length - 4 + length, 0);
  header[4] = 6;
  header.writeUInt32BE(id, 5);
  header.writeUInt32BE(file.length, 9);
  header.set(file, 13);
  header.writeBigUInt64BE(BigInt(position), 13 + file.length);
  header.writeUInt32BE(length, 21 + file.length);
  return header;
};

const sendWaiting = (sftp: SftpInside): void => {
  const { outgoing, _buffer: waiting } = sftp;
  let done = 0;
  while (done < waiting.length && outgoing.window > 0 && outgoing.state === 'open') {
    const bytes = waiting[done] as Buffer;
    const fits = Math.min(bytes.length, outgoing.window, outgoing.packetSize);
    outgoing.window -= fits;
    sftp._protocol.channelData(outgoing.id, bytes.subarray(0, fits));
    if (fits === bytes.length) done += 1;
    else waiting[done] = bytes.subarray(fits);
  }
  sftp._buffer = waiting.slice(done);
  if (outgoing.window > 0) return;
  // As ssh2 says that it waits for the other side; it is called when there is room again.
  sftp._waitWindow = true;
  sftp._chunkcb = () => {
    sftp._chunkcb = undefined;
    sendWaiting(sftp);
  };
};
