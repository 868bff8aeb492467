import { isPrivate, parseRange } from "../../../components/gcp/config/address-ranges";

/** Whether a range is the whole internet, of either version. */
export function isEverywhere(range: string): boolean {
  return /\/0+$/.test(range);
}

/** Whether a range is so wide that a few of its size are the whole internet: wider than /8, or /16 of IPv6. */
export function isWide(range: string): boolean {
  return Number(range.split("/")[1] ?? "128") < (range.includes(":") ? 16 : 8);
}

/** Whether an IPv4 range, or an address by itself, is one of RFC 1918. */
export function isPrivateRange(range: string): boolean {
  const parsed = parseRange(range.includes("/") ? range : `${range}/32`);
  return parsed !== undefined && isPrivate(parsed);
}
