// Reads the bytes of a .mabc file: header and sections, as docs/replay.md describes them (format version 1).
// A file comes from anywhere: every length is checked before memory is spent on it, and nothing in it is run.

const FORMAT_VERSION = 1;
const MAGIC = [0x89, 0x4d, 0x41, 0x42, 0x43, 0x1a, 0x0d, 0x0a];
const MAX_HEADER = 4 << 20; // bytes of text
const MAX_SECTIONS = 256 << 20; // bytes of all sections together
const MAX_SIDE = 2 ** 31 - 1; // of a section's shape
const MAX_SIDES = 8;

const ARRAYS = {
  u1: Uint8Array, i1: Int8Array, u2: Uint16Array, i2: Int16Array, i4: Int32Array, f4: Float32Array,
  f2: Uint16Array, // half floats, kept as their bits: see half()
};
const UNSIGNED = { 1: Uint8Array, 2: Uint16Array, 4: Uint32Array };

/** A file that cannot be shown; the message says what is wrong with it. */
export class ReplayError extends Error {}

/** Throws a ReplayError unless the condition holds. */
export function demand(condition, message) {
  if (!condition) throw new ReplayError(message);
}

/** Whether a value is a whole number from low to high. */
export function isWhole(value, low, high) {
  return Number.isInteger(value) && value >= low && value <= high;
}

/** The header alone, and where the sections start. */
export async function decodeHeader(bytes) {
  demand(bytes.length >= 16, `This is not a replay: it has only ${bytes.length} bytes.`);
  if (!MAGIC.every((byte, i) => bytes[i] === byte)) {
    const named = bytes[1] === 0x4d && bytes[2] === 0x41 && bytes[3] === 0x42 && bytes[4] === 0x43;
    throw new ReplayError(named
      ? "This replay was damaged on its way: its line ends were changed. Transfer it as a binary file."
      : "This is not a replay: a .mabc file starts with other bytes.");
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const version = view.getUint32(8, true);
  demand(version === FORMAT_VERSION,
    `This file is format version ${version}, this viewer reads ${FORMAT_VERSION}: `
    + "use the viewer of the mabc version that wrote it, or a newer one.");
  const end = 16 + view.getUint32(12, true);
  demand(end <= bytes.length, "The file is truncated: it ends within its header.");
  const text = new TextDecoder().decode(await inflate(bytes.subarray(16, end), MAX_HEADER, false, "header"));
  let header;
  try {
    header = JSON.parse(text);
  } catch {
    throw new ReplayError("The header is damaged: it is not JSON.");
  }
  demand(header !== null && typeof header === "object" && !Array.isArray(header), "The header is not an object.");
  return { header, end };
}

/** Header and sections: {header, sections: {name: {dtype, shape, data}}}, of the sections that `wanted` accepts. */
export async function decodeFile(bytes, wanted) {
  const { header, end } = await decodeHeader(bytes);
  const sections = {};
  for (const entry of placed(header.sections, end, bytes.length)) {
    if (!wanted(entry.name)) continue;
    const stored = bytes.subarray(entry.start, entry.start + entry.bytes);
    demand(crc32(stored) === entry.crc32, `Section ${entry.name} is damaged: its checksum does not match.`);
    const raw = await inflate(stored, entry.size, true, `section ${entry.name}`);
    sections[entry.name] = { dtype: entry.dtype, shape: entry.shape, data: unpacked(raw, entry) };
  }
  return { header, sections };
}

/** The table of sections, checked, each with its place in the file and its size when unpacked. */
function placed(table, start, fileLength) {
  demand(Array.isArray(table), "The header lists no sections.");
  const found = [];
  const names = new Set();
  let total = 0;
  for (const entry of table) {
    demand(entry && typeof entry.name === "string" && !names.has(entry.name), "The table of sections is damaged.");
    names.add(entry.name);
    const what = `Section ${entry.name}`;
    demand(Object.hasOwn(ARRAYS, entry.dtype), `${what} has an unknown type.`);
    demand(Array.isArray(entry.shape) && entry.shape.length <= MAX_SIDES
      && entry.shape.every((side) => isWhole(side, 0, MAX_SIDE)), `${what} has no valid shape.`);
    demand(entry.delta === 0 || (entry.delta === 1 && entry.shape.length), `${what} is stored in an unknown way.`);
    demand(isWhole(entry.bytes, 0, 2 ** 31) && isWhole(entry.crc32, 0, 2 ** 32 - 1), `${what} has no valid length.`);
    const itemsize = ARRAYS[entry.dtype].BYTES_PER_ELEMENT;
    const extent = entry.shape.reduce((product, side) => product * (side || 1), itemsize); // also beside a side of 0
    demand(extent <= MAX_SECTIONS, `${what} is too large: its shape spans more than ${MAX_SECTIONS >> 20} MiB.`);
    const size = entry.shape.includes(0) ? 0 : extent;
    total += size;
    demand(total <= MAX_SECTIONS, `The file is too large: its sections hold more than ${MAX_SECTIONS >> 20} MiB.`);
    demand(start + entry.bytes <= fileLength, `The file is truncated: it ends within section ${entry.name}.`);
    found.push({ ...entry, start, size });
    start += entry.bytes;
  }
  demand(start === fileLength, "The file is damaged: bytes follow its last section.");
  return found;
}

/** Unpacks zlib data; stops as soon as there is more than `limit` bytes. exact: as many as `limit`, no fewer. */
async function inflate(stored, limit, exact, what) {
  const chunks = [];
  let length = 0;
  try {
    const reader = new Blob([stored]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limit) {
        reader.cancel().catch(() => {});
        throw new ReplayError(`The ${what} holds more than it says.`);
      }
      chunks.push(value);
    }
  } catch (error) {
    if (error instanceof ReplayError) throw error;
    throw new ReplayError(`The ${what} is damaged: it does not unpack.`);
  }
  demand(!exact || length === limit, `The ${what} holds less than it says.`);
  const out = new Uint8Array(length);
  let at = 0;
  for (const chunk of chunks) {
    out.set(chunk, at);
    at += chunk.length;
  }
  return out;
}

/** The array of a section from its bytes. Numbers are little-endian, as every machine that runs a browser is. */
function unpacked(raw, { dtype, shape, delta }) {
  const Type = ARRAYS[dtype];
  if (!delta) return new Type(raw.buffer);
  const width = Type.BYTES_PER_ELEMENT;
  const numbers = new UNSIGNED[width](raw.length / width);
  const count = numbers.length;
  const rows = shape[0];
  const columns = rows ? count / rows : 0;
  for (let column = 0, i = 0; column < columns; column++) {
    let value = 0;
    for (let row = 0; row < rows; row++, i++) {
      for (let byte = 0; byte < width; byte++) value += raw[byte * count + i] << (8 * byte);
      value |= 0; // wraps at 32 bits; the array wraps at its own
      numbers[row * columns + column] = value;
    }
  }
  return new Type(numbers.buffer);
}

/** The number that the 16 bits of a half float stand for. */
export function half(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = bits & 1023;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

let crcTable = null;

function crc32(bytes) {
  crcTable ??= Uint32Array.from({ length: 256 }, (_, n) => {
    for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
    return n;
  });
  let crc = -1;
  for (let i = 0; i < bytes.length; i++) crc = crcTable[(crc ^ bytes[i]) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}
