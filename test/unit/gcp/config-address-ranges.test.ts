
import { addressCount, formatRange, freeRange, isPrivate, parseRange, rangeContains, rangesOverlap } from "../../../components/gcp/config/address-ranges";
import type { AddressRange } from "../../../components/gcp/config/address-ranges";
import fc from "../../support/fast-check";

const anyRange: fc.Arbitrary<AddressRange> = fc.record({ prefix: fc.integer({ min: 0, max: 32 }), address: fc.integer({ min: 0, max: 2 ** 32 - 1 }) }).map(({ prefix, address }) => ({ prefix, first: address - (address % 2 ** (32 - prefix)) }));
const near: fc.Arbitrary<AddressRange> = fc.record({ prefix: fc.integer({ min: 24, max: 32 }), offset: fc.integer({ min: 0, max: 1023 }) }).map(({ prefix, offset }) => ({ prefix, first: parseRange("10.0.0.0/8")!.first + offset - (offset % 2 ** (32 - prefix)) }));

function addresses({ first, ...range }: AddressRange): number[] {
  return Array.from({ length: addressCount({ first, ...range }) }, (_, index) => first + index);
}

test("every range is read as it was written", () => {
  fc.assert(fc.property(anyRange, (range) => expect(parseRange(formatRange(range))).toEqual(range)));
});

test("a text with a bit behind the prefix is no range", () => {
  fc.assert(
    fc.property(anyRange, fc.nat(), (range, extra) => {
      fc.pre(range.prefix < 32);
      const off = 1 + (extra % (addressCount(range) - 1));
      expect(parseRange(formatRange({ first: range.first + off, prefix: 32 }).replace(/\/32$/, `/${range.prefix}`))).toBeUndefined();
    }),
  );
});

test.each(["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/08", "010.0.0.0/8", "10.0.0/8", "256.0.0.0/8", "10.0.0.1/8", "10.0.0.0/8 ", " 10.0.0.0/8", "10.0.0.0/8\n", "fd00::/8", "0x0a.0.0.0/8"])("%j is no range", (text) => {
  expect(parseRange(text)).toBeUndefined();
});

test("containing and overlapping are what they are for the addresses themselves", () => {
  fc.assert(
    fc.property(near, near, (a, b) => {
      const [inA, inB] = [new Set(addresses(a)), addresses(b)];
      expect(rangesOverlap(a, b)).toBe(inB.some((address) => inA.has(address)));
      expect(rangeContains(a, b)).toBe(inB.every((address) => inA.has(address)));
      expect(rangesOverlap(b, a)).toBe(rangesOverlap(a, b));
    }),
  );
});

test("private is what RFC 1918 says", () => {
  for (const text of ["10.0.0.0/8", "10.255.255.255/32", "172.16.0.0/12", "172.31.255.0/24", "192.168.0.0/16", "192.168.7.0/29"]) expect([text, isPrivate(parseRange(text)!)]).toEqual([text, true]);
  for (const text of ["0.0.0.0/0", "8.0.0.0/7", "10.0.0.0/7", "172.32.0.0/16", "172.0.0.0/8", "192.169.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4"]) expect([text, isPrivate(parseRange(text) ?? { first: 0, prefix: 0 })]).toEqual([text, false]);
});

test("a free range is private, of the size asked for, and touches nothing that is taken", () => {
  fc.assert(
    fc.property(fc.integer({ min: 16, max: 29 }), fc.array(fc.record({ prefix: fc.integer({ min: 9, max: 30 }), address: fc.integer({ min: 0, max: 2 ** 24 - 1 }) }), { maxLength: 12 }), (prefix, blocks) => {
      const taken = blocks.map(({ prefix: size, address }) => ({ prefix: size, first: parseRange("10.0.0.0/8")!.first + address - (address % 2 ** (32 - size)) }));
      const free = freeRange(prefix, taken);
      if (free === undefined) {
        // Only when the taken ones really fill what is searched.
        const searched = Array.from({ length: 236 }, (_, index) => parseRange(`10.${index + 20}.0.0/16`)!);
        expect(searched.every((block) => taken.some((range) => rangesOverlap(range, block)))).toBe(true);
        return;
      }
      expect(free.prefix).toBe(prefix);
      expect(isPrivate(free)).toBe(true);
      expect(parseRange(formatRange(free))).toEqual(free);
      expect(taken.some((range) => rangesOverlap(range, free))).toBe(false);
    }),
  );
});
