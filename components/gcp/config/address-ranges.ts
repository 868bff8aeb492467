/** A block of IPv4 addresses. */
export interface AddressRange {
  /** First address as a number, e.g. 167772160 for 10.0.0.0. */
  readonly first: number;
  /** Length of the prefix, 0 to 32: the smaller, the larger the block. */
  readonly prefix: number;
}

/** The range that `10.20.0.0/22` stands for; undefined for any other text, also where bits behind the prefix are set: those are a slip that Google refuses. */
export function parseRange(text: string): AddressRange | undefined {
  const match = /^(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\.(0|[1-9]\d{0,2})\/(0|[1-9]\d?)$/.exec(text);
  if (match === null) return undefined;
  const [a, b, c, d, prefix] = match.slice(1).map(Number) as [number, number, number, number, number];
  if (Math.max(a, b, c, d) > 255 || prefix > 32) return undefined;
  // No bit operators: they would make addresses over 127.255.255.255 negative.
  const first = ((a * 256 + b) * 256 + c) * 256 + d;
  return first % 2 ** (32 - prefix) === 0 ? { first, prefix } : undefined;
}

export function formatRange({ first, prefix }: AddressRange): string {
  return `${[24, 16, 8, 0].map((shift) => Math.floor(first / 2 ** shift) % 256).join(".")}/${prefix}`;
}

/** How many addresses are in it. */
export function addressCount({ prefix }: AddressRange): number {
  return 2 ** (32 - prefix);
}

/** True when every address of `inner` is in `outer`. */
export function rangeContains(outer: AddressRange, inner: AddressRange): boolean {
  return inner.first >= outer.first && inner.first + addressCount(inner) <= outer.first + addressCount(outer);
}

/** True when they have an address in common: of two aligned blocks one then holds the other. */
export function rangesOverlap(a: AddressRange, b: AddressRange): boolean {
  return rangeContains(a, b) || rangeContains(b, a);
}

/** The private blocks of RFC 1918, section 3. */
const PRIVATE = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"].map((text) => parseRange(text)!);

export function isPrivate(range: AddressRange): boolean {
  return PRIVATE.some((block) => rangeContains(block, range));
}

/** The first range of this size in 10.0.0.0/8, from 10.20.0.0 on, that touches none of `taken`: what a message can offer. Undefined when all is taken. */
export function freeRange(prefix: number, taken: readonly AddressRange[]): AddressRange | undefined {
  const size = 2 ** (32 - prefix);
  const end = PRIVATE[0]!.first + addressCount(PRIVATE[0]!);
  for (let first = Math.ceil((PRIVATE[0]!.first + 20 * 65_536) / size) * size; first + size <= end; ) {
    const candidate = { first, prefix };
    const inTheWay = taken.find((range) => rangesOverlap(range, candidate));
    if (inTheWay === undefined) return candidate;
    // Behind what is in the way, so that this takes as many steps as there are ranges.
    first = Math.max(first + size, Math.ceil((inTheWay.first + addressCount(inTheWay)) / size) * size);
  }
  return undefined;
}
