import { setImmediate } from "node:timers/promises";

import { runtime } from "@pulumi/pulumi";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import * as debuggable from "@pulumi/pulumi/runtime/debuggable";
import { specialResourceSig, specialSecretSig, specialSigKey, unknownValue } from "@pulumi/pulumi/runtime/rpc";
import * as settings from "@pulumi/pulumi/runtime/settings";

import { PROJECT } from "../../components/settings/problems";
import { declaredType } from "./declared-type";
import { outputOf, References } from "./references";
import type { DeclaredResource, Value } from "./resource";
import { SecretValue, Unknown } from "./resource";
import { isList, isObject } from "./terraform-body";
import { terraformLabel, terraformType } from "./terraform-names";

/** What a program declared. */
export interface RecordedProgram {
  /** Resources of providers, in the order of their registration. */
  readonly resources: readonly DeclaredResource[];
  /** Finds the stand-ins in the resources' arguments. */
  readonly references: References;
}

type Callback = (error: Error | null, response?: object) => void;

/**
 * Runs a Pulumi program without an engine, a provider, credentials or a state, and returns what it declares. Each output is a stand-in that can be found
 * again, so that it is known which argument is made from which output. Hooks are not run.
 *
 * Bends Pulumi's runtime for the whole process: nothing else may run on it beside or after this.
 *
 * @throws what the program throws
 */
export async function recordProgram(stack: string, program: () => void): Promise<RecordedProgram> {
  const references = new References();
  const recorder = new Recorder(references);
  await runtime.setMocks({ newResource: () => recorder.answer(), call: ({ inputs }) => inputs as Record<string, unknown> }, PROJECT, stack, true);
  const monitor = settings.getMonitor() as unknown as Record<string, (request: never, callback: Callback) => void>;
  const register = monitor["registerResource"]!.bind(monitor);
  monitor["registerResource"] = (request: never, callback) => {
    recorder.record(request);
    register(request, callback);
  };
  // The mocks say that they know hooks, but have no method for them.
  monitor["registerResourceHook"] = monitor["registerErrorHook"] = (_request, callback) => callback(null, {});
  const failure = failureOutside();
  try {
    program();
    // Not in its declarations: waits until everything that the program registers has been answered.
    await Promise.race([(settings as unknown as { waitForRPCs(): Promise<void> }).waitForRPCs(), failure.happened]);
    // Node tells of an error that nobody catches only when everything else of the turn is done.
    await Promise.race([setImmediate(), failure.happened]);
  } catch (error) {
    // What waits for a part of the program that failed waits for ever. Asked for, Pulumi forgets it, and does not complain of it when the process ends.
    (debuggable as unknown as { leakedPromises(): unknown }).leakedPromises();
    throw error;
  } finally {
    failure.dispose();
  }
  return { resources: recorder.resources, references };
}

/** An error inside of `apply` is nobody's to catch: Pulumi leaves it to the process. */
function failureOutside(): { happened: Promise<never>; dispose: () => void } {
  let reject: (error: unknown) => void = () => {};
  const happened = new Promise<never>((_resolve, fail) => {
    reject = fail;
  });
  happened.catch(() => {});
  process.on("unhandledRejection", reject);
  return { happened, dispose: () => void process.off("unhandledRejection", reject) };
}

class Recorder {
  readonly resources: DeclaredResource[] = [];
  readonly #addresses = new Map<string, number>();
  #state: { id: string; state: Record<string, unknown> } = { id: "", state: {} };

  constructor(private readonly references: References) {}

  record(request: RegisterResourceRequest): void {
    const token = request.getType();
    if (!request.getCustom() || !isProvided(token)) {
      this.#state = { id: request.getCustom() ? request.getName() : "", state: this.argumentsOf(request) };
      return;
    }
    const inputs = this.argumentsOf(request);
    const { isAutonamed, scalarOutputs } = declaredType(token);
    // What Pulumi would put random digits behind.
    if (isAutonamed) inputs["name"] ??= request.getName();
    const timeouts = request.getCustomtimeouts();
    const resource: DeclaredResource = {
      urn: this.urnOf(request),
      token,
      address: this.addressOf(token, request.getName()),
      inputs,
      dependencies: request.getDependenciesList(),
      protect: request.getProtect() === true,
      ignoreChanges: request.getIgnorechangesList(),
      timeouts: Object.fromEntries(Object.entries({ create: timeouts?.getCreate(), update: timeouts?.getUpdate(), delete: timeouts?.getDelete() }).filter((entry): entry is [string, string] => Boolean(entry[1]))),
    };
    this.resources.push(resource);
    this.#state = { id: this.references.standIn({ address: resource.address, expression: `${resource.address}.id` }), state: this.outputsOf(resource, scalarOutputs) };
  }

  /** Asked for right after `record`, before anything else is. */
  answer(): { id: string; state: Record<string, unknown> } {
    return this.#state;
  }

  private outputsOf({ token, address, inputs }: DeclaredResource, scalarOutputs: readonly string[]): Record<string, unknown> {
    const of = (property: string): string => this.references.standIn({ address, expression: outputOf(address, property), ...(typeof inputs[property] === "string" ? { value: inputs[property] } : {}) });
    // A number or a switch that the program gives stays what it is; a program may count with it.
    const standsIn = (property: string): boolean => !["number", "boolean"].includes(typeof inputs[property]);
    const scalars: Record<string, unknown> = Object.fromEntries(scalarOutputs.filter(standsIn).map((property) => [property, of(property)]));
    return { ...(known(inputs) as Record<string, unknown>), ...scalars, ...SHAPED[token]?.(address, this.references) };
  }

  private argumentsOf(request: RegisterResourceRequest): Record<string, Value> {
    return plain(request.getObject()?.toJavaScript() ?? {}) as Record<string, Value>;
  }

  private urnOf(request: RegisterResourceRequest): string {
    const parent = request.getParent().split("::")[2];
    return `urn:pulumi:${settings.getStack()}::${settings.getProject()}::${parent === undefined ? "" : `${parent.split("$").pop()}$`}${request.getType()}::${request.getName()}`;
  }

  /** Two resources of a type may have the same name under different parents. */
  private addressOf(token: string, name: string): string {
    const address = `${terraformType(token)}.${terraformLabel(name)}`;
    const count = (this.#addresses.get(address) ?? 0) + 1;
    this.#addresses.set(address, count);
    return count === 1 ? address : `${address}-${count}`;
  }
}

/** A value as the program gets it back: what is secret or unknown is not known to it. */
function known(value: Value): unknown {
  if (isList(value)) return value.map(known);
  if (isObject(value)) return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, known(entry)]));
  return typeof value === "object" ? undefined : value;
}

/** Whether a provider makes it, not the engine itself. */
function isProvided(token: string): boolean {
  return !token.startsWith("pulumi:");
}

/** Marks of the one among a database's names that it has inside the VPC. */
const PRIVATE_NAME = { connectionType: "PRIVATE_SERVICES_ACCESS", dnsScope: "INSTANCE" };

/** Outputs of which the program takes something apart; see the components for what they look for. */
const SHAPED: Readonly<Record<string, (address: string, references: References) => Record<string, unknown>>> = {
  "gcp:projects/serviceIdentity:ServiceIdentity": (address, references) => ({ email: references.serviceAgent({ address, expression: `${address}.email` }) }),
  "gcp:sql/databaseInstance:DatabaseInstance": (address, references) => ({
    // The program takes off the dot that ends it, which a stand-in does not have.
    dnsNames: [{ name: references.standIn({ address, expression: `trimsuffix([for found in ${address}.dns_names : found.name if found.connection_type == "${PRIVATE_NAME.connectionType}" && found.dns_scope == "${PRIVATE_NAME.dnsScope}"][0], ".")` }), ...PRIVATE_NAME }],
  }),
};

/** Takes Pulumi's marks off a value: a secret keeps one of ours, a resource becomes its id. */
function plain(value: unknown): Value {
  if (value === unknownValue) return new Unknown();
  if (Array.isArray(value)) return (value as unknown[]).map(plain);
  if (typeof value !== "object" || value === null) return value as Value;
  const object = value as Record<string, unknown>;
  if (object[specialSigKey] === specialSecretSig) return new SecretValue();
  if (object[specialSigKey] === specialResourceSig) return plain(object["id"]);
  if (object[specialSigKey] !== undefined) throw new Error("a file as an argument cannot be exported");
  return Object.fromEntries(Object.entries(object).filter(([, entry]) => entry !== null).map(([key, entry]) => [key, plain(entry)]));
}
