/** An IPv4 range as its first and last address. */
export interface AddressRange {
  readonly first: number;
  readonly last: number;
}

/** @returns undefined where the text is no range in CIDR notation, or has bits set behind its prefix */
export function parseRange(cidr: string): AddressRange | undefined {
  const [, address = "", bits = ""] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(cidr) ?? [];
  const bytes = address.split(".").map(Number);
  const size = 2 ** (32 - Number(bits));
  if (address === "" || Number(bits) > 32 || bytes.some((byte) => byte > 255)) return undefined;
  const first = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
  return first % size === 0 ? { first, last: first + size - 1 } : undefined;
}

export function overlaps(a: AddressRange, b: AddressRange): boolean {
  return a.first <= b.last && b.first <= a.last;
}

export function contains(outer: AddressRange, inner: AddressRange): boolean {
  return outer.first <= inner.first && inner.last <= outer.last;
}
