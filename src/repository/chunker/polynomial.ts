// Polynomials over GF(2) as bits of a BigInt: restic demands an irreducible one of degree 53 in a repository's config.
import { randomBytes } from 'node:crypto';

/** The degree that restic demands. */
export const chunkerDegree = 53;

/** A random irreducible polynomial of degree 53; about one in 26 candidates is. */
export const randomPolynomial = (): bigint => {
  for (;;) {
    const candidate =
      BigInt.asUintN(chunkerDegree, randomBytes(8).readBigUInt64LE()) | (1n << BigInt(chunkerDegree)) | 1n;
    if (isIrreducible(candidate)) return candidate;
  }
};

/** Ben-Or's test: a reducible polynomial has a factor of at most half its degree d, and x^(2^i) - x holds all those of degree i. */
export const isIrreducible = (polynomial: bigint): boolean => {
  let power = 2n;
  for (let i = 1; i <= degreeOf(polynomial) >> 1; i += 1) {
    power = remainder(square(power), polynomial);
    if (commonDivisor(polynomial, power ^ 2n) !== 1n) return false;
  }
  return degreeOf(polynomial) > 0;
};

/** The degree; -1 for zero. */
export const degreeOf = (polynomial: bigint): number =>
  polynomial === 0n ? -1 : polynomial.toString(2).length - 1;

/** Squaring over GF(2) puts a zero between the bits. */
const square = (polynomial: bigint): bigint => BigInt(`0b${polynomial.toString(2).split('').join('0')}`);

const remainder = (value: bigint, modulus: bigint): bigint => {
  let rest = value;
  const modulusDegree = degreeOf(modulus);
  for (let above = degreeOf(rest) - modulusDegree; above >= 0; above = degreeOf(rest) - modulusDegree)
    rest ^= modulus << BigInt(above);
  return rest;
};

const commonDivisor = (a: bigint, b: bigint): bigint => (b === 0n ? a : commonDivisor(b, remainder(a, b)));
