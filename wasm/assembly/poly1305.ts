// Poly1305 (RFC 8439, section 2.5) with numbers in five limbs of 26 bits. Four blocks are taken at once,
// (h + m0)·r⁴ + m1·r³ + m2·r² + m3·r, so that the carries are propagated once for 64 bytes.

const LIMB: u64 = 0x3ffffff;
const HIGH_BIT: u64 = 1 << 24;

/** r (16 bytes) and s (16 bytes), written by the caller. */
const KEY: usize = 0;
/** The tag (16 bytes), read by the caller. */
const TAG: usize = 32;
/** The last block of a message, when it is short. */
const BLOCK: usize = 48;
/** The sum so far: five u64. */
const H: usize = 64;
/** Of r, r², r³ and r⁴ each the five limbs, then five times the upper four of them, as u64. */
const R1: usize = 128;
const R2: usize = R1 + 72;
const R3: usize = R2 + 72;
const R4: usize = R3 + 72;

/** Begins a message with the one-time key in the head; r is clamped here. */
export function poly1305Start(): void {
  const low = load<u64>(KEY) & 0x0ffffffc0fffffff;
  const high = load<u64>(KEY + 8) & 0x0ffffffc0ffffffc;
  store<u64>(H, low & LIMB, 0);
  store<u64>(H, (low >> 26) & LIMB, 8);
  store<u64>(H, ((low >> 52) | (high << 12)) & LIMB, 16);
  store<u64>(H, (high >> 14) & LIMB, 24);
  store<u64>(H, high >> 40, 32);
  keepPower(R1);
  raise(R2);
  raise(R3);
  raise(R4);
  memory.fill(H, 0, 40);
}

/** Takes `length` bytes, a multiple of 16. */
export function poly1305Update(at: usize, length: usize): void {
  const end = at + length;
  let h0 = load<u64>(H, 0);
  let h1 = load<u64>(H, 8);
  let h2 = load<u64>(H, 16);
  let h3 = load<u64>(H, 24);
  let h4 = load<u64>(H, 32);
  while (at < end) {
    const four = at + 64 <= end;
    const power: usize = four ? R4 : R1;
    h0 += limb0(at);
    h1 += limb1(at);
    h2 += limb2(at);
    h3 += limb3(at);
    h4 += limb4(at);
    let d0 = product0(power, h0, h1, h2, h3, h4);
    let d1 = product1(power, h0, h1, h2, h3, h4);
    let d2 = product2(power, h0, h1, h2, h3, h4);
    let d3 = product3(power, h0, h1, h2, h3, h4);
    let d4 = product4(power, h0, h1, h2, h3, h4);
    at += 16;
    if (four) {
      for (let lower = R3; lower >= R1; lower -= 72, at += 16) {
        h0 = limb0(at);
        h1 = limb1(at);
        h2 = limb2(at);
        h3 = limb3(at);
        h4 = limb4(at);
        d0 += product0(lower, h0, h1, h2, h3, h4);
        d1 += product1(lower, h0, h1, h2, h3, h4);
        d2 += product2(lower, h0, h1, h2, h3, h4);
        d3 += product3(lower, h0, h1, h2, h3, h4);
        d4 += product4(lower, h0, h1, h2, h3, h4);
      }
    }
    d1 += d0 >> 26;
    d2 += d1 >> 26;
    d3 += d2 >> 26;
    d4 += d3 >> 26;
    d0 = (d0 & LIMB) + (d4 >> 26) * 5;
    h0 = d0 & LIMB;
    h1 = (d1 & LIMB) + (d0 >> 26);
    h2 = d2 & LIMB;
    h3 = d3 & LIMB;
    h4 = d4 & LIMB;
  }
  store<u64>(H, h0, 0);
  store<u64>(H, h1, 8);
  store<u64>(H, h2, 16);
  store<u64>(H, h3, 24);
  store<u64>(H, h4, 32);
}

/** Takes the last `length` bytes, fewer than 16, and leaves the tag in the head. */
export function poly1305Finish(at: usize, length: usize): void {
  if (length > 0) {
    // A short block ends in a one bit of its own, in place of the one that stands above a whole block.
    memory.fill(BLOCK, 0, 16);
    memory.copy(BLOCK, at, length);
    store<u8>(BLOCK + length, 1);
    store<u64>(H, load<u64>(H, 32) - HIGH_BIT, 32);
    poly1305Update(BLOCK, 16);
  }
  reduce();
  const h0 = load<u64>(H, 0) | (load<u64>(H, 8) << 26) | (load<u64>(H, 16) << 52);
  const h1 = (load<u64>(H, 16) >> 12) | (load<u64>(H, 24) << 14) | (load<u64>(H, 32) << 40);
  const low = h0 + load<u64>(KEY + 16);
  store<u64>(TAG, low);
  store<u64>(TAG + 8, h1 + load<u64>(KEY + 24) + u64(low < h0));
}

/** Brings the sum to its least value modulo 2^130 - 5. */
function reduce(): void {
  carry();
  carry();
  // g = h + 5 reaches 2^130 exactly when h >= 2^130 - 5; then g without that bit is the answer.
  const g0 = load<u64>(H, 0) + 5;
  const g1 = load<u64>(H, 8) + (g0 >> 26);
  const g2 = load<u64>(H, 16) + (g1 >> 26);
  const g3 = load<u64>(H, 24) + (g2 >> 26);
  const g4 = load<u64>(H, 32) + (g3 >> 26);
  const mask: u64 = 0 - (g4 >> 26);
  choose(0, g0, mask);
  choose(8, g1, mask);
  choose(16, g2, mask);
  choose(24, g3, mask);
  choose(32, g4, mask);
}

function choose(limb: usize, other: u64, mask: u64): void {
  store<u64>(H + limb, (load<u64>(H + limb) & ~mask) | (other & mask & LIMB));
}

/** Moves what a limb holds above 26 bits into the next, and from the last, five times, into the first. */
function carry(): void {
  let above: u64 = 0;
  for (let limb = H; limb < H + 40; limb += 8) {
    const sum = load<u64>(limb) + above;
    store<u64>(limb, sum & LIMB);
    above = sum >> 26;
  }
  store<u64>(H, load<u64>(H) + above * 5);
}

/** Sets one power of r to the one below it times r. */
function raise(power: usize): void {
  memory.copy(H, power - 72, 40);
  const h0 = load<u64>(H, 0);
  const h1 = load<u64>(H, 8);
  const h2 = load<u64>(H, 16);
  const h3 = load<u64>(H, 24);
  const h4 = load<u64>(H, 32);
  store<u64>(H, product0(R1, h0, h1, h2, h3, h4), 0);
  store<u64>(H, product1(R1, h0, h1, h2, h3, h4), 8);
  store<u64>(H, product2(R1, h0, h1, h2, h3, h4), 16);
  store<u64>(H, product3(R1, h0, h1, h2, h3, h4), 24);
  store<u64>(H, product4(R1, h0, h1, h2, h3, h4), 32);
  carry();
  carry();
  keepPower(power);
}

function keepPower(power: usize): void {
  memory.copy(power, H, 40);
  for (let limb: usize = 8; limb < 40; limb += 8) store<u64>(power + 32 + limb, load<u64>(H + limb) * 5);
}

// The five limbs of the block at a position, with the bit above its 16 bytes.
// @ts-ignore: decorator
@inline
function limb0(at: usize): u64 {
  return <u64>load<u32>(at) & LIMB;
}
// @ts-ignore: decorator
@inline
function limb1(at: usize): u64 {
  return (<u64>load<u32>(at, 3) >> 2) & LIMB;
}
// @ts-ignore: decorator
@inline
function limb2(at: usize): u64 {
  return (<u64>load<u32>(at, 6) >> 4) & LIMB;
}
// @ts-ignore: decorator
@inline
function limb3(at: usize): u64 {
  return <u64>load<u32>(at, 9) >> 6;
}
// @ts-ignore: decorator
@inline
function limb4(at: usize): u64 {
  return (<u64>load<u32>(at, 12) >> 8) | HIGH_BIT;
}

// The limbs of h times a power of r, before the carries: what would stand at 2^130 and above counts five times.
// @ts-ignore: decorator
@inline
function product0(r: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64): u64 {
  return h0 * load<u64>(r) + h1 * load<u64>(r, 64) + h2 * load<u64>(r, 56) + h3 * load<u64>(r, 48) + h4 * load<u64>(r, 40);
}
// @ts-ignore: decorator
@inline
function product1(r: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64): u64 {
  return h0 * load<u64>(r, 8) + h1 * load<u64>(r) + h2 * load<u64>(r, 64) + h3 * load<u64>(r, 56) + h4 * load<u64>(r, 48);
}
// @ts-ignore: decorator
@inline
function product2(r: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64): u64 {
  return h0 * load<u64>(r, 16) + h1 * load<u64>(r, 8) + h2 * load<u64>(r) + h3 * load<u64>(r, 64) + h4 * load<u64>(r, 56);
}
// @ts-ignore: decorator
@inline
function product3(r: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64): u64 {
  return h0 * load<u64>(r, 24) + h1 * load<u64>(r, 16) + h2 * load<u64>(r, 8) + h3 * load<u64>(r) + h4 * load<u64>(r, 64);
}
// @ts-ignore: decorator
@inline
function product4(r: usize, h0: u64, h1: u64, h2: u64, h3: u64, h4: u64): u64 {
  return h0 * load<u64>(r, 32) + h1 * load<u64>(r, 24) + h2 * load<u64>(r, 16) + h3 * load<u64>(r, 8) + h4 * load<u64>(r);
}
