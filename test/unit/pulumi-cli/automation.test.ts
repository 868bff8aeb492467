import { pulumiCommand } from "../../../scripts/pulumi-cli/automation";

/** What takes any arguments and ends well. */
const CLI = { path: "/bin/true", version: "3.259.0", source: "PATH", languageHost: "none" } as const;

/** `run` is internal to Pulumi's SDK, which calls it for each command. */
type Runs = { run(args: string[], cwd: string, env: Record<string, string>): Promise<unknown> };

test.each([["up", 1], ["preview", 1], ["stack", 0], ["destroy", 0]])("of %s, what is done meanwhile is done %i times, once the CLI has been started", async (verb, times) => {
  let done = 0;
  const running = (pulumiCommand(CLI, () => done++) as unknown as Runs).run([verb], "/", {});
  expect(done).toBe(times);
  await expect(running).resolves.toMatchObject({ code: 0 });
});
