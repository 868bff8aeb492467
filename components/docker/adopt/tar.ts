/** Blocks of this size make up an archive. */
const BLOCK_BYTES = 512;
/** An archive ends with two empty blocks. */
const END = "\0".repeat(2 * BLOCK_BYTES);

/** A tar archive (POSIX ustar) with these files, which belong to root: as `docker cp` takes it by standard input. Names and contents are ASCII. */
export function tarOf(files: Readonly<Record<string, string>>): string {
  return Object.entries(files).map(([path, content]) => header(path, content.length) + content + "\0".repeat((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES)).join("") + END;
}

/** Fields of fixed length; numbers are octal. The checksum is that of the header with spaces in its own place. */
function header(path: string, sizeBytes: number): string {
  const field = (text: string, length: number): string => text.padEnd(length, "\0");
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, "0")}\0`;
  const before = field(path, 100) + octal(0o644, 8) + octal(0, 8) + octal(0, 8) + octal(sizeBytes, 12) + octal(0, 12);
  const after = `${field("0", 1)}${field("", 100)}${field("ustar", 6)}00${field("", 32)}${field("", 32)}${octal(0, 8)}${octal(0, 8)}${field("", 155)}`.padEnd(BLOCK_BYTES - before.length - 8, "\0");
  const sum = [...`${before}        ${after}`].reduce((total, character) => total + character.charCodeAt(0), 0);
  return `${before}${sum.toString(8).padStart(6, "0")}\0 ${after}`;
}
