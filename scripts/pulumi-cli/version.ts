/**
 * The CLI version that is obtained when none is found. The same one is pinned as the `pulumi` npm package and in `cli-module/go.mod`;
 * a unit test holds the three together.
 */
export const PINNED_PULUMI_VERSION = "3.259.0";

/** The oldest CLI that will do: the first whose engine and SDK carry all hook fixes that the setup hook relies on. */
export const MINIMUM_PULUMI_VERSION = "3.245.0";

/** The oldest Go that builds the pinned CLI (the `go` line of its go.mod). */
export const MINIMUM_GO_VERSION = "1.25.11";

/** The first Go that can fetch a newer toolchain by itself (GOTOOLCHAIN). */
export const FIRST_GO_WITH_TOOLCHAINS = "1.21.0";

/** The version in what `pulumi version` printed (`v3.259.0`, also `v3.260.0-alpha.1+dirty`), without the `v`; undefined if there is none. */
export function parsePulumiVersion(output: string): string | undefined {
  return /^\s*v?(\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]*)?)\s*$/m.exec(output)?.[1];
}

/** The version in what `go version` printed (`go version go1.26.8 linux/amd64`), always with three numbers; undefined if there is none. */
export function parseGoVersion(output: string): string | undefined {
  const match = /\bgo(\d+)\.(\d+)(?:\.(\d+))?/.exec(output);
  return match === null ? undefined : `${match[1]}.${match[2]}.${match[3] ?? "0"}`;
}

/** Whether `version` is `minimum` or newer, by its three numbers; a pre-release counts as older than its release. */
export function isAtLeast(version: string, minimum: string): boolean {
  const wanted = numbersOf(minimum);
  const given = numbersOf(version);
  for (const [at, number] of wanted.entries()) {
    const difference = (given[at] ?? 0) - number;
    if (difference !== 0) return difference > 0;
  }
  return !/^[\d.]+-/.test(version) || minimum.includes("-");
}

function numbersOf(version: string): number[] {
  return (version.split(/[-+]/, 1)[0] ?? "").split(".").map(Number);
}
