import assert from 'node:assert/strict';
import { test } from 'node:test';
import { degreeOf, isIrreducible, randomPolynomial } from './polynomial.ts';

// From the tests of github.com/restic/chunker.
const irreducible = [0x3da3358b4dc173n, 0x2482734cacca49n];
const reducible = [
  0x38f1e565e288dfn,
  0x30a8295b9d5c91n,
  0x255f4350b962cbn,
  0x267f776110a235n,
  0x2f4dae10d41227n,
  0x312daf4b284899n,
  0x29dfb6553d01d1n,
  0x3548245eb26257n,
];

test('known polynomials are told apart', () => {
  for (const polynomial of irreducible)
    assert.equal(isIrreducible(polynomial), true, polynomial.toString(16));
  for (const polynomial of reducible) assert.equal(isIrreducible(polynomial), false, polynomial.toString(16));
});

test('small polynomials are irreducible exactly when no smaller one divides them', () => {
  const product = (a: bigint, b: bigint): bigint => {
    let sum = 0n;
    for (let bit = 0n; b >> bit > 0n; bit += 1n) if ((b >> bit) & 1n) sum ^= a << bit;
    return sum;
  };
  const products = new Set<bigint>();
  for (let a = 2n; a < 256n; a += 1n) for (let b = a; b < 256n; b += 1n) products.add(product(a, b));
  for (let polynomial = 2n; polynomial < 512n; polynomial += 1n)
    assert.equal(isIrreducible(polynomial), !products.has(polynomial), polynomial.toString(2));
});

test('constants are not irreducible', () => {
  assert.equal(isIrreducible(0n), false);
  assert.equal(isIrreducible(1n), false);
});

test('random polynomials are irreducible, of degree 53, and differ', () => {
  const made = new Set(Array.from({ length: 10 }, randomPolynomial));
  assert.equal(made.size, 10);
  for (const polynomial of made) {
    assert.equal(degreeOf(polynomial), 53);
    assert.equal(isIrreducible(polynomial), true);
  }
});
