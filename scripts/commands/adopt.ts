import { adoptVolume, planVolumeAdoption } from "../../components/docker/adopt";
import { adoptedVolumeOf } from "../../components/docker/volumes";
import { setCommand } from "../../components/settings/problems";
import { ADOPTION_TOPICS } from "../../manager/src/adopt";
import type { AdoptionPlan } from "../../manager/src/adopt";
import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import type { CommandContext } from "../lib/command-context";
import { confirmPlan } from "../lib/confirm";
import { EXIT } from "../lib/exit-codes";
import type { ExitCode } from "../lib/exit-codes";
import { withStackLock } from "../lib/stack-lock";
import { UsageError } from "../lib/usage-error";

interface AdoptCommandOptions {
  readonly volume: string;
  readonly superuser?: string;
  /** `<service>=<number>`, once a service. */
  readonly baseline?: readonly string[];
  readonly dryRun?: boolean;
  readonly yes?: boolean;
}

/** Makes the databases of a volume that was made by hand into compartments, without touching a row. */
export async function adopt(context: CommandContext, { volume, superuser, baseline = [], dryRun = false, yes = false }: AdoptCommandOptions): Promise<ExitCode> {
  const { stack, config, output, signal } = context;
  if (config.target !== "docker") throw new BulkheadError("ADOPT_TARGET", `adopt takes over a volume of Docker, and stack ${stack} has target ${config.target}`, { hint: `pulumi config set target docker --stack ${stack}, then the same command again` });
  const vouched = new Map(baseline.map(parseBaseline));
  const unknown = [...vouched.keys()].find((service) => !context.catalog().services.some(({ name }) => name === service));
  if (unknown !== undefined) throw new UsageError("USAGE", `--baseline ${unknown}=…: there is no service ${unknown} in services.ts`);
  const adoption = { volume, superuser, vouched };
  return withStackLock(context, "npx bulkhead adopt", async () => {
    if (dryRun) {
      const plan = await planVolumeAdoption(context, adoption);
      output.result(resultOf(context, volume, plan, plan, true), `${describePlan(plan)}\nNothing was changed (a server ran on the volume to look at it, and wrote what a server writes by itself).`);
      return EXIT.done;
    }
    const { done, after } = await adoptVolume(context, adoption, async (plan) => {
      if (!yes) process.stderr.write(`${describePlan(plan)}\n`);
      await confirmPlan({ question: `Do this to volume ${volume}?`, yes, signal });
    });
    const leftOut = after.services.filter(({ state }) => state === "left out");
    output.result(resultOf(context, volume, done, after, false), describeEnd(context, volume, done, after));
    return leftOut.length === 0 ? EXIT.done : EXIT.checkFellShort;
  }, { waitMs: 0 });
}

function parseBaseline(text: string): [service: string, version: number] {
  const match = /^([^=]+)=(\d{1,15})$/.exec(text);
  if (match === null) throw new UsageError("USAGE", `--baseline ${text}: write <service>=<number of a migration>, e.g. auth=1, or 0 for none`);
  return [match[1]!, Number(match[2])];
}

function resultOf({ stack }: CommandContext, volume: string, plan: AdoptionPlan, after: AdoptionPlan, dryRun: boolean): object {
  return { version: 1, stack, ok: after.problems.length === 0, dryRun, volume, superuser: after.superuserAfter, services: after.services, steps: plan.steps, problems: after.problems, notes: plan.notes };
}

/** The plan as a person reads it: by service, then by topic. */
export function describePlan({ services, steps, problems, notes }: AdoptionPlan): string {
  const part = (service: string, title: string): string[] => {
    const own = ADOPTION_TOPICS.flatMap((topic) => steps.filter((step) => step.service === service && step.topic === topic).map(({ what }) => `  ${topic.padEnd(10)}  ${what}`));
    return own.length === 0 ? [] : [title, ...own, ""];
  };
  const idle = services.filter(({ state }) => state === "absent" || state === "adopted");
  return [
    ...part("tier", "The server"),
    ...services.flatMap(({ service, database, state }) => (state === "to adopt" ? part(service, `${service} (${database})`) : [])),
    ...(steps.length === 0 && problems.length === 0 ? ["There is nothing to do.", ""] : []),
    ...idle.map(({ service, database, state }) => (state === "absent" ? `${service}: ${database} is not there; the next up makes it` : `${service}: ${database} is adopted already`)),
    ...(notes.length > 0 ? ["", "To know before:", ...notes.map((note) => `  - ${note}`)] : []),
    ...(problems.length > 0 ? ["", "Left out, and nothing of it is changed:", ...problems.flatMap(({ service, problem, hint }) => [`  - ${service === null ? "" : `${service}: `}${problem}`, `    next: ${hint}`])] : []),
  ].join("\n");
}

function describeEnd(context: CommandContext, volume: string, done: AdoptionPlan, after: AdoptionPlan): string {
  const leftOut = after.problems.flatMap(({ service, problem, hint }) => [`  - ${service === null ? "" : `${service}: `}${problem}`, `    next: ${hint}`]);
  const { stack } = context;
  return [
    done.steps.length === 0 ? `There was nothing to do: volume ${volume} is adopted.` : `Volume ${volume} is adopted: ${done.steps.length} steps, no row touched.`,
    ...(leftOut.length > 0 ? ["Left out, and nothing of it was changed; up fails for these until they are adopted, too:", ...leftOut] : []),
    "Next:",
    ...(adoptedVolumeOf(context) === volume ? [] : [`  ${setCommand("postgres.volume", volume, stack)}`]),
    ...(after.superuserAfter === "postgres" ? [] : [`  ${setCommand("postgres.superuser", after.superuserAfter, stack)}`]),
    "  npx bulkhead up",
  ].join("\n");
}
