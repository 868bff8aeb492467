/** Nanoseconds of each unit of Go's durations. */
const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };

/** Nanoseconds of a duration such as `1m30s`; 0 for what is none. */
export function parseDuration(text: string): number {
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d+(?:\.\d+)?)(ns|us|µs|ms|s|m|h)/g)) total += Number(number) * UNITS[unit!]!;
  return Math.round(total);
}

/** As Go writes it, which is one of several ways to say the same: `60s` comes back as `1m0s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds === 0) return "0s";
  if (nanoseconds < 1e9) return nanoseconds < 1e3 ? `${nanoseconds}ns` : nanoseconds < 1e6 ? `${nanoseconds / 1e3}µs` : `${nanoseconds / 1e6}ms`;
  const hours = Math.floor(nanoseconds / UNITS["h"]!);
  const minutes = Math.floor((nanoseconds % UNITS["h"]!) / UNITS["m"]!);
  const seconds = `${(nanoseconds % UNITS["m"]!) / 1e9}s`;
  return hours > 0 ? `${hours}h${minutes}m${seconds}` : minutes > 0 ? `${minutes}m${seconds}` : seconds;
}
