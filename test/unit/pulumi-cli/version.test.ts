import { readFileSync } from "node:fs";
import path from "node:path";
import { CHECKOUT } from "../../../scripts/pulumi-cli/locations";
import { isAtLeast, MINIMUM_GO_VERSION, MINIMUM_PULUMI_VERSION, parseGoVersion, parsePulumiVersion, PINNED_PULUMI_VERSION } from "../../../scripts/pulumi-cli/version";
import fc from "../../support/fast-check";

const number = fc.nat({ max: 5_000 });
const version = fc.tuple(number, number, number);
const text = (numbers: readonly number[]): string => numbers.join(".");

describe("versions of the Pulumi CLI and of Go", () => {
  test.each([
    ["v3.259.0\n", "3.259.0"],
    ["3.245.1", "3.245.1"],
    ["v3.260.0-alpha.1763+dirty", "3.260.0-alpha.1763+dirty"],
    ["warning: A new version of Pulumi is available\nv3.250.0\n", "3.250.0"],
    ["", undefined],
    ["command not found", undefined],
    ["v3.259", undefined],
  ])("`pulumi version` printing %j is %s", (output, expected) => {
    expect(parsePulumiVersion(output)).toBe(expected);
  });

  test.each([
    ["go version go1.26.8 linux/amd64", "1.26.8"],
    ["go version go1.25 darwin/arm64", "1.25.0"],
    ["go version devel go1.27-abcdef linux/amd64", "1.27.0"],
    ["gccgo (GCC) 12.2", undefined],
  ])("`go version` printing %j is %s", (output, expected) => {
    expect(parseGoVersion(output)).toBe(expected);
  });

  test("whatever version is printed is read back", () => {
    fc.assert(fc.property(version, (numbers) => expect(parsePulumiVersion(`v${text(numbers)}\n`)).toBe(text(numbers))));
  });

  test("versions are ordered by number, not by text", () => {
    fc.assert(
      fc.property(version, version, (a, b) => {
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2];
        expect(isAtLeast(text(a), text(b))).toBe(order >= 0);
      }),
    );
  });

  test("a pre-release is older than its release, and newer than the release before", () => {
    expect(isAtLeast("3.245.0-alpha.1", "3.245.0")).toBe(false);
    expect(isAtLeast("3.246.0-alpha.1", "3.245.0")).toBe(true);
    expect(isAtLeast("3.245.0+dirty", "3.245.0")).toBe(true);
  });

  test("the pin is the same for the npm package, the Go module and the code, and is new enough itself", () => {
    const manifest = JSON.parse(readFileSync(path.join(CHECKOUT, "package.json"), "utf8")) as { dependencies: Record<string, string> };
    const goMod = readFileSync(path.join(CHECKOUT, "scripts/pulumi-cli/cli-module/go.mod"), "utf8");
    expect(manifest.dependencies["pulumi"]).toBe(PINNED_PULUMI_VERSION);
    expect(goMod).toContain(`github.com/pulumi/pulumi/pkg/v3 v${PINNED_PULUMI_VERSION}\n`);
    expect(goMod).toContain(`\ngo ${MINIMUM_GO_VERSION}\n`);
    expect(isAtLeast(PINNED_PULUMI_VERSION, MINIMUM_PULUMI_VERSION)).toBe(true);
  });
});
