import type { Deployment } from "@pulumi/pulumi/automation";

import { target as gcp } from "../../../components/gcp";
import { target as local } from "../../../components/local";
import { parseStackConfig } from "../../../components/stack-config";
import type { Target, TierAccess } from "../../../components/tier";
import { BulkheadError } from "../../../manager/src/errors/bulkhead-error";
import { down } from "../../../scripts/commands/down";
import { status } from "../../../scripts/commands/status";
import { openStack } from "../../../scripts/engine/engine";
import { requireStateBackend } from "../../../scripts/engine/environment";
import { requireUnprotected } from "../../../scripts/engine/require-unprotected";
import { createContext } from "../../../scripts/lib/command-context";
import type { CommandContext } from "../../../scripts/lib/command-context";
import { createOutput } from "../../../scripts/lib/output";

const signal = new AbortController().signal;

/** The context of a command on the shipped stack, with what it prints. */
function contextOf(stack: string): { context: CommandContext; printed: string[] } {
  const printed: string[] = [];
  const print = (text: string): void => void printed.push(text);
  return { context: createContext(stack, createOutput("text", print, print), signal), printed };
}

async function withBackend<T>(url: string | undefined, use: () => Promise<T>): Promise<T> {
  const before = process.env["PULUMI_BACKEND_URL"];
  const set = (value: string | undefined): void => {
    if (value === undefined) delete process.env["PULUMI_BACKEND_URL"];
    else process.env["PULUMI_BACKEND_URL"] = value;
  };
  set(url);
  try {
    return await use();
  } finally {
    set(before);
  }
}

describe("a stack with secrets in its state", () => {
  test("is refused without a state backend of its own, with the two lines to type", () => {
    expect(() => requireStateBackend("prod", gcp, {})).toThrow(expect.objectContaining({ code: "STATE_BACKEND_MISSING", hint: expect.stringMatching(/^export PULUMI_BACKEND_URL=gs:\/\/<bucket>\n +pulumi stack init prod --secrets-provider="gcpkms:\/\//) as string }) as Error);
    expect(() => requireStateBackend("prod", gcp, { PULUMI_BACKEND_URL: "" })).toThrow(BulkheadError);
  });

  test.each(["gs://states", "file:///somewhere/else"])("will do with %s", (url) => {
    expect(() => requireStateBackend("prod", gcp, { PULUMI_BACKEND_URL: url })).not.toThrow();
  });

  test("is told from a laptop's, whose state lies in the checkout", () => {
    expect(() => requireStateBackend("dev", local, {})).not.toThrow();
  });

  test("is refused before the engine is looked for", async () => {
    const { context, printed } = contextOf("prod");
    await withBackend(undefined, () => expect(openStack(context)).rejects.toMatchObject({ code: "STATE_BACKEND_MISSING" }));
    expect(printed).toEqual([]);
  });

  test("is not said to be gone because the checkout has no state of it", async () => {
    const { context, printed } = contextOf("prod");
    await withBackend(undefined, () => expect(down(context, { destroy: true, yes: true })).rejects.toMatchObject({ code: "STATE_BACKEND_MISSING" }));
    expect(printed).toEqual([]);
  });
});

describe("down --destroy of a protected stack", () => {
  const config = (deletionProtection?: unknown) => parseStackConfig("prod", { "bulkhead:target": "gcp", ...(deletionProtection === undefined ? {} : { "bulkhead:deletionProtection": deletionProtection }) });

  test("is refused before anybody is asked for the stack's name, and before the engine begins", async () => {
    const { context } = contextOf("prod");
    await withBackend("file:///nowhere", () => expect(down(context, { destroy: true })).rejects.toMatchObject({ code: "DESTROY_PROTECTED", hint: expect.stringMatching(/^pulumi config set deletionProtection false --stack prod && npx bulkhead up --stack prod /) as string }));
  });

  test.each([
    ["by default", undefined, true],
    ["where it says true", true, true],
    ["where it says true as text", "true", true],
    ["where nobody knows what it says", "no idea", true],
    ["where it says false", false, false],
    ["where it says false as text", "false", false],
  ])("is refused %s: %s, %s", (_where, value, refused) => {
    const ask = (): void => gcp.requireDestroyable(config(value));
    if (refused) expect(ask).toThrow(expect.objectContaining({ code: "DESTROY_PROTECTED" }) as Error);
    else expect(ask).not.toThrow();
  });

  test("is refused too when the state still protects what the configuration no longer does", () => {
    const urn = (name: string): string => `urn:pulumi:prod::bulkhead::gcp:sql/databaseInstance:DatabaseInstance::${name}`;
    const deployment = (...resources: object[]): Deployment => ({ version: 3, deployment: { resources } });
    const many = Array.from({ length: 7 }, (_, index) => ({ urn: urn(`r${index}`), protect: true }));
    expect(() => requireUnprotected("prod", deployment({ urn: urn("sql"), protect: false }, { urn: urn("vpc") }))).not.toThrow();
    expect(() => requireUnprotected("prod", { version: 3, deployment: {} })).not.toThrow();
    expect(() => requireUnprotected("prod", deployment({ urn: urn("vpc") }, ...many))).toThrow(expect.objectContaining({ code: "DESTROY_PROTECTED", message: expect.stringContaining("7 of stack prod's resources are protected in Pulumi's state: r0, r1, r2, r3, r4 and 2 more") as string }) as Error);
  });
});

describe("status where no session gets through", () => {
  /** A tier that is looked at by a job: no session reaches it from here. */
  function behindJob(openSession: TierAccess["openSession"]): { context: CommandContext; printed: string[] } {
    const { context, printed } = contextOf("dev");
    const access = {
      openSession,
      operations: { observe: async ({ plan }: { plan: { compartments: { service: string }[] } }) => ({ version: 1, compartments: plan.compartments.map(({ service }) => ({ service, findings: [], isNew: false, token: "t", schemaVersion: 3 })), leftBehind: [], manual: [], stores: [] }) },
    } as unknown as TierAccess;
    const target: Target = { ...local, status: async () => ({ running: true, reason: undefined, version: "17.5", host: "db.internal", port: 5432 }), openAccess: async () => access };
    return { context: { ...context, target }, printed };
  }

  test("shows what is known, and a dash for sizes and connections", async () => {
    const { context, printed } = behindJob(() => Promise.reject(new BulkheadError("REACH_NO_SESSION", "a job has no sessions")));
    expect(await status(context)).toBe(0);
    expect(printed.join("")).toMatch(/^auth +auth_db +- +- +3 +never +ready$/m);
  });

  test("fails where something else keeps the session away", async () => {
    const { context } = behindJob(() => Promise.reject(new BulkheadError("REACH_NO_ROUTE", "no route")));
    await expect(status(context)).rejects.toMatchObject({ code: "REACH_NO_ROUTE" });
  });
});
