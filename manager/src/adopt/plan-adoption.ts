import type { CompartmentPlan, TierPlan } from "../plan/plan";
import type { Baseline } from "./baseline";
import { adoptionNotes, databaseProblems, serverProblems } from "./notes";
import type { FoundContents, FoundServer } from "./observed";
import type { AdoptionPlan, AdoptionProblem, AdoptionStep, ServiceState, SuperuserStatements } from "./plan";
import { contentsProblems, planContents } from "./plan-contents";
import { planServer } from "./plan-server";
import { planService } from "./plan-service";
import { contentsAfterRename, planRename, renameProblems, serverAfterRename, superuserAfter } from "./rename-superuser";

/** What was found of one service whose database is there and could be opened. */
export interface FoundService {
  readonly contents: FoundContents;
  readonly baseline: Baseline;
}

/** Everything that an adoption is planned from. */
export interface AdoptionFindings {
  readonly server: FoundServer;
  readonly services: ReadonlyMap<string, FoundService>;
  /** The template is there with all that is in it. */
  readonly templateIsWhole: boolean;
}

/**
 * What has to be done as a superuser, so that the next `up` finds a server whose compartments it may mend by itself. Pure; plans only the difference, so
 * that a plan after half an adoption is the other half, and one after a whole adoption is empty.
 */
export function planAdoption(plan: TierPlan, statements: SuperuserStatements, findings: AdoptionFindings): AdoptionPlan {
  const ofServer = [...serverProblems(plan, findings.server), ...renameProblems(plan, findings.server)];
  const problems = [...ofServer, ...plan.compartments.flatMap((compartment) => serviceProblems(compartment, findings))];
  const isThere = ({ database }: CompartmentPlan): boolean => findings.server.databases.some(({ name }) => name === database.name);
  const leftOut = (service: string): boolean => problems.some((problem) => problem.service === service);
  const adopted = plan.compartments.filter((compartment) => isThere(compartment) && !leftOut(compartment.service));
  const adopting = new Set(adopted.map(({ service }) => service));

  const found = serverAfterRename(plan, findings.server);
  const parts = adopted.map((compartment) => ({ compartment, contents: contentsAfterRename(plan, findings.server, findings.services.get(compartment.service)!.contents) }));
  const steps = [
    ...planRename(plan, findings.server),
    ...planServer({ plan, found, statements, adopting, templateIsWhole: findings.templateIsWhole }),
    ...adopted.flatMap((compartment) => planService(plan, compartment, found)),
    ...parts.flatMap(({ compartment, contents }) => [...planContents({ plan, compartment, found, contents, statements, adopting }), ...planBaseline(compartment, findings.services.get(compartment.service)!.baseline)]),
  ];
  const stateOf = (compartment: CompartmentPlan): ServiceState => {
    if (!isThere(compartment)) return "absent";
    if (!adopting.has(compartment.service)) return "left out";
    return steps.some(({ service }) => service === compartment.service) ? "to adopt" : "adopted";
  };
  return {
    version: 1,
    superuser: findings.server.superuser,
    superuserAfter: superuserAfter(plan, findings.server.superuser),
    services: plan.compartments.map((compartment) => ({ service: compartment.service, database: compartment.database.name, state: stateOf(compartment) })),
    steps: ofServer.length > 0 ? [] : withoutRepetition(steps),
    problems,
    notes: adoptionNotes(plan, found, parts),
  };
}

function serviceProblems(compartment: CompartmentPlan, { server, services }: AdoptionFindings): AdoptionProblem[] {
  const found = services.get(compartment.service);
  if (found === undefined) return databaseProblems(compartment, server);
  return [...contentsProblems({ compartment, contents: found.contents }), ...(found.baseline.problem === null ? [] : [found.baseline.problem])];
}

function planBaseline({ service, database, roles }: CompartmentPlan, { entries }: Baseline): AdoptionStep[] {
  if (entries.length === 0) return [];
  const names = entries.map(({ version, name }) => `${String(version).padStart(3, "0")}_${name}`).join(", ");
  return [{ service, database: database.name, topic: "schema", what: `what ${names} makes is there; the migration history says so`, statements: [], baseline: { owner: roles.owner, entries } }];
}

/** A membership of one service's role in another's is both services' business. */
function withoutRepetition(steps: readonly AdoptionStep[]): AdoptionStep[] {
  const seen = new Set<string>();
  return steps.filter(({ database, statements, baseline }) => {
    const key = JSON.stringify([database, statements, baseline]);
    return !seen.has(key) && seen.add(key) !== undefined;
  });
}
