// QR codes of links: byte mode, error correction M, versions 1 to 10 (up to 213 bytes). Pure.
// Follows ISO/IEC 18004:2015, 6.3 and 7.7 to 7.10; the mask is the one with the least penalty.

import { VERSIONS, codewords, versionFor } from "./qr_codewords.js";

const MASKS = [
  (x, y) => (x + y) % 2 === 0,
  (x, y) => y % 2 === 0,
  (x) => x % 3 === 0,
  (x, y) => (x + y) % 3 === 0,
  (x, y) => (Math.floor(x / 3) + Math.floor(y / 2)) % 2 === 0,
  (x, y) => ((x * y) % 2) + ((x * y) % 3) === 0,
  (x, y) => (((x * y) % 2) + ((x * y) % 3)) % 2 === 0,
  (x, y) => (((x + y) % 2) + ((x * y) % 3)) % 2 === 0,
];

const FINDER_LIKE = ["10111010000", "00001011101"];

class Symbol {
  constructor(version) {
    this.version = version;
    this.size = 17 + 4 * version;
    this.dark = Array.from({ length: this.size }, () => Array(this.size).fill(false));
    this.fixed = Array.from({ length: this.size }, () => Array(this.size).fill(false));
  }

  set(x, y, isDark) {
    if (x < 0 || y < 0 || x >= this.size || y >= this.size) return;
    this.dark[y][x] = Boolean(isDark);
    this.fixed[y][x] = true;
  }

  // A square of rings around a place: finders have four of them, alignments two.
  rings(cx, cy, reach, light) {
    for (let dy = -reach; dy <= reach; dy += 1) {
      for (let dx = -reach; dx <= reach; dx += 1) {
        this.set(cx + dx, cy + dy, !light.includes(Math.max(Math.abs(dx), Math.abs(dy))));
      }
    }
  }

  // All that does not depend on the data.
  frame() {
    const last = this.size - 7;
    for (let at = 0; at < this.size; at += 1) {
      this.set(6, at, at % 2 === 0);
      this.set(at, 6, at % 2 === 0);
    }
    for (const [x, y] of [[3, 3], [last + 3, 3], [3, last + 3]]) this.rings(x, y, 4, [2, 4]);
    const places = VERSIONS[this.version][3];
    for (const x of places) {
      for (const y of places) {
        const isFinder = (x === 6 && y === 6) || (x === 6 && y === last) || (x === last && y === 6);
        if (!isFinder) this.rings(x, y, 2, [1]);
      }
    }
    if (this.version < 7) return;
    const bits = (this.version << 12) | remainder(this.version, 12, 0x1f25);
    for (let bit = 0; bit < 18; bit += 1) {
      const [a, b] = [this.size - 11 + (bit % 3), Math.floor(bit / 3)];
      this.set(a, b, (bits >> bit) & 1);
      this.set(b, a, (bits >> bit) & 1);
    }
  }

  format(mask) {
    const bits = ((mask << 10) | remainder(mask, 10, 0x537)) ^ 0x5412; // level M is 00
    for (let bit = 0; bit < 15; bit += 1) {
      const isDark = (bits >> bit) & 1;
      const [x, y] = bit < 8 ? [8, bit + (bit > 5 ? 1 : 0)] : [bit === 8 ? 7 : 14 - bit, 8];
      this.set(x, y, isDark);
      if (bit < 8) this.set(this.size - 1 - bit, 8, isDark);
      else this.set(8, this.size - 15 + bit, isDark);
    }
    this.set(8, this.size - 8, true);
  }

  // Upwards and downwards in columns of two, from the right.
  place(words) {
    let at = 0;
    for (let right = this.size - 1; right > 0; right -= 2) {
      if (right === 6) right = 5;
      const isUp = ((right + 1) & 2) === 0;
      for (let step = 0; step < this.size; step += 1) {
        const y = isUp ? this.size - 1 - step : step;
        for (const x of [right, right - 1]) {
          if (this.fixed[y][x] || at >= words.length * 8) continue;
          this.dark[y][x] = Boolean((words[at >> 3] >> (7 - (at & 7))) & 1);
          at += 1;
        }
      }
    }
  }

  masked(mask) {
    this.format(mask);
    return this.dark.map((row, y) => row.map((isDark, x) => isDark !== (!this.fixed[y][x] && MASKS[mask](x, y))));
  }
}

// What is left of a number when its bits are divided by a generator of BCH codes.
function remainder(value, degree, generator) {
  let rest = value;
  for (let step = 0; step < degree; step += 1) rest = (rest << 1) ^ ((rest >> (degree - 1)) * generator);
  return rest;
}

function penalty(modules) {
  const lines = [...modules, ...modules[0].map((_, x) => modules.map((row) => row[x]))]
    .map((line) => line.map(Number).join(""));
  let points = 0;
  for (const line of lines) {
    for (const run of line.match(/(.)\1{4,}/g) ?? []) points += run.length - 2;
    for (const like of FINDER_LIKE) {
      for (let at = line.indexOf(like); at >= 0; at = line.indexOf(like, at + 1)) points += 40;
    }
  }
  const same = (y, x) => new Set([modules[y][x], modules[y][x + 1], modules[y + 1][x], modules[y + 1][x + 1]]).size === 1;
  for (let y = 0; y < modules.length - 1; y += 1) {
    for (let x = 0; x < modules.length - 1; x += 1) if (same(y, x)) points += 3;
  }
  const share = modules.flat().filter(Boolean).length / modules.length ** 2;
  return points + Math.floor(Math.abs(share * 20 - 10)) * 10;
}

// The modules of a text's code: rows of booleans, true where it is dark. Raises RangeError.
export function encode(text) {
  const bytes = [...new TextEncoder().encode(text)];
  const symbol = new Symbol(versionFor(bytes.length));
  symbol.frame();
  symbol.format(0);
  symbol.place(codewords(bytes, symbol.version));
  const all = MASKS.map((_, mask) => symbol.masked(mask));
  const points = all.map(penalty);
  return all[points.indexOf(Math.min(...points))];
}
