// The checksum of a text in Bech32 (https://github.com/bitcoin/bips/blob/master/bip-0173.mediawiki), which keys of age are.

const alphabet = 'qpzry9x8gf2tvdw0s3jn54khce6mua7l';
const generator = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3];

/** False for a text that was cut short or mistyped. */
export const isBech32 = (text: string): boolean => {
  const [, prefix = '', data = ''] = /^([!-~]+)1([02-9ac-hj-np-z]{6,})$/.exec(text) ?? [];
  const codes = Array.from(prefix, (char) => char.charCodeAt(0));
  const values = Array.from(data, (char) => alphabet.indexOf(char));
  return (
    data !== '' &&
    remainder([...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31), ...values]) === 1
  );
};

const remainder = (values: readonly number[]): number => {
  let sum = 1;
  for (const value of values) {
    const top = sum >>> 25;
    sum = ((sum & 0x1ffffff) << 5) ^ value;
    for (const [bit, term] of generator.entries()) if ((top >>> bit) & 1) sum ^= term;
  }
  return sum;
};
