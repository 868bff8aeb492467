import type { Client } from "pg";

import type { CompartmentPlan, TierPlan } from "../plan/plan";
import { closeSession } from "../postgres/connect";
import { mapConcurrently } from "../provision/concurrency";
import { inspect, selectCompartments } from "../provision/inspect";
import type { Inspection } from "../provision/inspect";
import { AGREED_DATABASE } from "../provision/read-cluster";
import { storeEvidence } from "../stores/store-evidence";
import { generatePassword, SECRET_LOGINS } from "../secrets/secret";
import { inspectionEvidence, noCompartmentEvidence, withHealing } from "./catalog-evidence";
import { certificateEvidence, connectPrivilegeEvidence, foreignDatabaseEvidence, plaintextEvidence, standbyEvidence } from "./login-evidence";
import { runMarkedStatement } from "./markers";
import type { ValidateOptions } from "./options";
import { buildReport } from "./report";
import type { Evidence, ValidationReport } from "./report";
import { readSecret } from "./secret-evidence";
import { rememberingProbe } from "./server-probe";
import { readServerFacts } from "./server-facts";
import type { ServerFacts } from "./server-facts";
import { logIn, signalEvidence, skippedSession, validateSession } from "./validate-login";
import type { LoginUnderTest, SessionContext } from "./validate-login";

/** Logins under way at once: enough to keep two cores busy with TLS and SCRAM, few enough for any tier. */
const LOGINS_AT_ONCE = 8;
/** Name of the admin's marked statement. */
const TIER_MARK = "tier";

/**
 * Proves from the inside that every compartment is as planned and watertight: logs in with exactly the secrets that the services read, does
 * what they must be able to do, and tries what they must not. Holds the system catalogs against the plan besides. Changes nothing: every
 * attempt is rolled back.
 *
 * A login has one session at a time, so a small CONNECTION LIMIT is enough. What is wrong stands in the report, it is not thrown.
 *
 * @throws what `openSession` throws, when the admin cannot log in; `DATABASE_RENAMED`
 */
export async function validate(plan: TierPlan, options: ValidateOptions): Promise<ValidationReport> {
  const { catalog, secrets, services } = options;
  const compartments = selectCompartments(plan, options);
  const withoutDatabase = catalog.services.filter(({ name, database }) => database === null && (services === undefined || services.includes(name)));
  const reported = catalog.services.map(({ name }) => name).filter((name) => services === undefined || services.includes(name));

  const witness = await options.openSession(AGREED_DATABASE);
  try {
    await runMarkedStatement(witness, TIER_MARK);
    const tier = await readServerFacts(witness, plan);
    const inspecting = inspectTimed(plan, options);
    const living = liveEvidence(compartments, { ...options, plan, tier });
    const trying = storeEvidence({ ...options, stores: options.stores ?? [] });
    // When one fails the others' sessions are closed too before the caller hears of it.
    await Promise.allSettled([inspecting, living, trying]);
    const [inspected, live, stores] = await Promise.all([inspecting, living, trying]);
    const none = await Promise.all(withoutDatabase.map(({ name }) => noCompartmentEvidence(name, tier, { plan, catalog, secrets })));
    const evidence = [...inspectionEvidence(inspected.inspection, { plan, services: compartments.map(({ service }) => service), databases: tier.databases, ms: inspected.ms }), ...withHealing(live, inspected.inspection, plan), ...none.flat(), ...stores];
    return buildReport(evidence, reported);
  } finally {
    await closeSession(witness);
  }
}

/** The catalogs only: secrets and passwords are tried by the logins themselves, and one that cannot be read must not end the inspection. */
async function inspectTimed(plan: TierPlan, options: ValidateOptions): Promise<{ inspection: Inspection; ms: number }> {
  const startedAt = performance.now();
  const inspection = await inspect(plan, { ...options, secrets: { ...options.secrets, read: async () => undefined }, probe: false });
  return { inspection, ms: performance.now() - startedAt };
}

interface LiveContext extends ValidateOptions {
  readonly plan: TierPlan;
  readonly tier: ServerFacts;
}

/** Everything that is found out with the services' own logins. */
async function liveEvidence(compartments: readonly CompartmentPlan[], context: LiveContext): Promise<Evidence[]> {
  const evidence: Evidence[] = compartments.map(({ service }) => ({ rule: "no-compartment", service, status: "skipped", detail: "the service has a database", ms: 0 }));
  const logins = (await mapConcurrently(compartments, LOGINS_AT_ONCE, (compartment) => readSecrets(compartment, context, evidence))).flat();
  evidence.push(...compartments.flatMap((compartment) => connectPrivilegeEvidence(compartment, context.tier)));
  const insiders = await validateSessions(logins, context, evidence);
  // Only now, with the sessions closed: a service may have a single connection.
  const probe = rememberingProbe(context.signal);
  await mapConcurrently(logins, LOGINS_AT_ONCE, async (under) => {
    context.signal?.throwIfAborted();
    if (under.login === "app") evidence.push(await plaintextEvidence(under, generatePassword()), await certificateEvidence(under, probe));
    // What a login is refused that gets in nowhere says nothing.
    if (!insiders.has(under)) return;
    if (under.login === "app") evidence.push(await standbyEvidence(under));
    evidence.push(...(await foreignDatabaseEvidence(under, context.tier)));
  });
  return evidence;
}

async function readSecrets(compartment: CompartmentPlan, { secrets, endpoint }: LiveContext, evidence: Evidence[]): Promise<LoginUnderTest[]> {
  const { service } = compartment;
  const found = await Promise.all(
    SECRET_LOGINS.map(async (login): Promise<LoginUnderTest | undefined> => {
      const { secret, evidence: whole } = await readSecret(secrets, { compartment, login, endpoint });
      evidence.push(whole);
      if (secret === undefined) evidence.push({ rule: "login", service, login, status: "skipped", detail: "no secret to log in with", ms: 0 }, ...skippedSession(compartment, login));
      return secret && { compartment, login, secret };
    }),
  );
  return found.filter((under) => under !== undefined);
}

/**
 * The services' own sessions stay open until all are done: they are what the others must not be able to see into or signal, and each has
 * run the marked statement that no other service may find in the statistics.
 *
 * They rest while signals are tried on them, so that a login which may cancel them disturbs no other's check: during the checks of migrators and
 * readonly logins, and at the end, when the services' own logins try it one after the other.
 *
 * @returns the logins that got in
 */
async function validateSessions(logins: readonly LoginUnderTest[], context: LiveContext, evidence: Evidence[]): Promise<ReadonlySet<LoginUnderTest>> {
  const { plan, tier, catalog, root, endpoint, signal } = context;
  const insiders = new Set<LoginUnderTest>();
  const open = async (under: LoginUnderTest): Promise<Client | undefined> => {
    signal?.throwIfAborted();
    const { client, evidence: login } = await logIn(under);
    evidence.push(login);
    if (client === undefined) evidence.push(...skippedSession(under.compartment, under.login));
    else insiders.add(under);
    return client;
  };
  const apps = new Map<LoginUnderTest, Client>();
  try {
    await mapConcurrently(logins.filter(({ login }) => login === "app"), LOGINS_AT_ONCE, async (under) => {
      const client = await open(under);
      if (client === undefined) return;
      apps.set(under, client);
      await runMarkedStatement(client, under.compartment.service);
    });
    const marked = [TIER_MARK, ...[...apps.keys()].map(({ compartment }) => compartment.service)];
    const pids = await mapConcurrently([...apps], LOGINS_AT_ONCE, async ([under, client]) => ({ service: under.compartment.service, pid: await backendPid(client) }));
    const foreignPids = ({ compartment }: LoginUnderTest): number[] => [tier.pid, ...pids.filter(({ service }) => service !== compartment.service).map(({ pid }) => pid)];
    const sessionOf = ({ compartment: { service } }: LoginUnderTest): SessionContext => {
      const source = catalog.services.find(({ name }) => name === service)?.migrations ?? { directory: `schemas/${service}` };
      return { plan, marked, source, root, serverPort: endpoint.serverPort ?? endpoint.port };
    };
    await mapConcurrently(logins.filter(({ login }) => login !== "app"), LOGINS_AT_ONCE, async (under) => {
      const client = await open(under);
      if (client === undefined) return;
      try {
        evidence.push(...(await validateSession(client, under, sessionOf(under))), ...(await signalEvidence(client, under, foreignPids(under))));
      } finally {
        await closeSession(client);
      }
    });
    await mapConcurrently([...apps], LOGINS_AT_ONCE, async ([under, client]) => {
      signal?.throwIfAborted();
      evidence.push(...(await validateSession(client, under, sessionOf(under))));
    });
    for (const [under, client] of apps) evidence.push(...(await signalEvidence(client, under, foreignPids(under))));
    return insiders;
  } finally {
    await Promise.all([...apps.values()].map(closeSession));
  }
}

async function backendPid(client: Client): Promise<number> {
  const { rows } = await client.query<{ pid: number }>("SELECT pg_backend_pid() AS pid");
  return rows[0]!.pid;
}
