// The codewords of a QR code: data in byte mode, and its error correction at level M. Pure.
// Follows ISO/IEC 18004:2015, 7.4 to 7.6. Leaves the symbol to qr.js.

// By version: codewords in all, error correction codewords of a block, blocks, places of alignment.
export const VERSIONS = [
  null,
  [26, 10, 1, []], [44, 16, 1, [6, 18]], [70, 26, 1, [6, 22]], [100, 18, 2, [6, 26]], [134, 24, 2, [6, 30]],
  [172, 16, 4, [6, 34]], [196, 18, 4, [6, 22, 38]], [242, 22, 4, [6, 24, 42]], [292, 22, 5, [6, 26, 46]],
  [346, 26, 5, [6, 28, 50]],
];
function multiply(a, b) {
  let product = 0;
  for (let bit = 7; bit >= 0; bit -= 1) {
    product = (product << 1) ^ ((product >> 7) * 0x11d);
    product ^= ((b >> bit) & 1) * a;
  }
  return product;
}

function correction(data, count) {
  let divisor = [...Array(count - 1).fill(0), 1];
  let root = 1;
  for (let step = 0; step < count; step += 1) {
    divisor = divisor.map((each, at) => multiply(each, root) ^ (divisor[at + 1] ?? 0));
    root = multiply(root, 2);
  }
  const rest = Array(count).fill(0);
  for (const byte of data) {
    const factor = byte ^ rest.shift();
    rest.push(0);
    divisor.forEach((each, at) => (rest[at] ^= multiply(each, factor)));
  }
  return rest;
}

// The smallest version that holds so many bytes.
export function versionFor(count) {
  const found = VERSIONS.findIndex((row, version) => {
    if (!row) return false;
    const [total, perBlock, blocks] = row;
    return count + (version < 10 ? 2 : 3) <= total - perBlock * blocks;
  });
  if (found < 0) throw new RangeError(`${count} bytes are too many`);
  return found;
}

// Data and error correction of all blocks, in the order in which they are placed.
export function codewords(bytes, version) {
  const [total, perBlock, blocks] = VERSIONS[version];
  const capacity = total - perBlock * blocks;
  const bits = [];
  const put = (value, length) => {
    for (let bit = length - 1; bit >= 0; bit -= 1) bits.push((value >> bit) & 1);
  };
  put(4, 4);
  put(bytes.length, version < 10 ? 8 : 16);
  for (const byte of bytes) put(byte, 8);
  put(0, Math.min(4, capacity * 8 - bits.length));
  put(0, (8 - (bits.length % 8)) % 8);
  const data = [];
  for (let at = 0; at < bits.length; at += 8) data.push(Number.parseInt(bits.slice(at, at + 8).join(""), 2));
  for (let pad = 0xec; data.length < capacity; pad ^= 0xec ^ 0x11) data.push(pad);
  const short = Math.floor(capacity / blocks);
  const longs = capacity % blocks;
  let start = 0;
  const parts = Array.from({ length: blocks }, (_, index) => {
    const block = data.slice(start, (start += short + (index >= blocks - longs ? 1 : 0)));
    return [block, correction(block, perBlock)];
  });
  const mixed = [];
  for (const side of [0, 1]) {
    for (let at = 0; at <= Math.max(short, perBlock); at += 1) {
      for (const part of parts) if (at < part[side].length) mixed.push(part[side][at]);
    }
  }
  return mixed;
}
