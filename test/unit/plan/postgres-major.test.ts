
import { refuseOtherServer } from "../../../manager/src/plan/postgres-major";
import fc from "../../support/fast-check";

const verdict = (planned: number | undefined, versionNumber: number): string | undefined => {
  try {
    refuseOtherServer(planned === undefined ? {} : { postgresMajor: planned }, versionNumber);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe("a server held against the version that the plan is for", () => {
  test.each<[planned: number | undefined, versionNumber: number, code: string | undefined]>([
    [undefined, 170_004, undefined],
    [undefined, 180_001, undefined],
    [undefined, 160_009, "POSTGRES_VERSION_DIFFERS"],
    [undefined, 140_020, "POSTGRES_TOO_OLD"],
    [15, 150_018, undefined],
    [15, 160_000, "POSTGRES_VERSION_DIFFERS"],
    [15, 90_624, "POSTGRES_TOO_OLD"],
    [16, 160_014, undefined],
    [16, 150_018, "POSTGRES_VERSION_DIFFERS"],
    [16, 170_000, "POSTGRES_VERSION_DIFFERS"],
    [18, 170_000, "POSTGRES_VERSION_DIFFERS"],
    [18, 190_000, undefined],
  ])("plan for %p, server_version_num %d: %p", (planned, versionNumber, code) => expect(verdict(planned, versionNumber)).toBe(code));

  test("a server of the plan's own version is never refused, an older one always", () => {
    fc.assert(
      fc.property(fc.integer({ min: 15, max: 40 }), fc.integer({ min: 9, max: 40 }), fc.integer({ min: 0, max: 9999 }), (planned, server, minor) => {
        const code = verdict(planned, server * 10_000 + minor);
        if (server === planned) expect(code).toBeUndefined();
        if (server < planned) expect(code).toBeDefined();
      }),
    );
  });
});
