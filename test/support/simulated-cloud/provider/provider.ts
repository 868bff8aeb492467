import { behaviourModules } from "./behaviour";
import type { Behaviour } from "./behaviour";
import { checkInputs } from "./check";
import { Cloud } from "./cloud";
import type { CloudResource, CloudSettings } from "./cloud";
import type { CloudPackage } from "./cloud-package";
import { withComputed } from "./computed-outputs";
import { withDefaults } from "./defaults";
import { diffInputs } from "./diff";
import type { PropertyChange } from "./diff";
import { Faults } from "./faults";
import { isEqual, isSecret, secret, unwrapped } from "./property-values";
import type { Value, Values } from "./property-values";
import type { ResourceFacts } from "./resource-facts";
import { resourceId } from "./resource-id";
import { packageSchema } from "./schema/schema-cache";
import type { PackageSchema, ResourceSchema } from "./schema/property-schema";

/** Which resource is worked on. */
export interface Target {
  readonly urn: string;
  readonly type: string;
  readonly name: string;
}

/** What a provider does, without the protocol around it. Values carry the engine's marks of secrets and unknowns. */
export class SimulatedProvider {
  private readonly schemas: PackageSchema;
  private readonly faults: Faults;
  private behaviours: ReadonlyMap<string, Behaviour> | undefined;
  private cloud: Cloud;

  /**
   * @param dir the cloud's folder
   * @param behavioursFolder see `behaviourModules`
   */
  constructor(private readonly cloudPackage: CloudPackage, private readonly dir: string, private readonly behavioursFolder: string | undefined) {
    this.schemas = packageSchema(cloudPackage.npmPackage, Object.keys(cloudPackage.facts));
    this.faults = new Faults(dir);
    this.cloud = new Cloud(dir, cloudPackage.settings({}));
  }

  configure(config: Readonly<Record<string, string>>): void {
    this.cloud = new Cloud(this.dir, this.cloudPackage.settings(config));
  }

  check(target: Target, olds: Values, news: Values, seed: Uint8Array, proposedName?: string): { inputs: Values; failures: string[] } {
    const { schema, facts } = this.known(target.type);
    const inputs = withDefaults(news, olds, facts, { logicalName: target.name, seed, proposedName });
    const plainInputs = plain(inputs);
    const failures = checkInputs(plainInputs, schema, facts);
    // Only of a well-formed input can be said what it means.
    return { inputs, failures: failures.length > 0 ? failures : this.cloudPackage.check(target.type, plainInputs, this.settings) };
  }

  /** @returns the changes, and whether the old resource has to go before the new one can be made, for they would have one name */
  diff(target: Target, oldInputs: Values, oldOutputs: Values, news: Values): { changes: PropertyChange[]; deleteBeforeReplace: boolean } {
    const { facts, schema } = this.known(target.type);
    const change = { oldInputs: plain(oldInputs), oldOutputs: plain(oldOutputs), news: plain(news) };
    const { before, after } = this.cloudPackage.compared?.(target.type, change, schema) ?? { before: change.oldInputs, after: change.news };
    const changes = diffInputs(before, after, facts, this.cloudPackage.forcesReplacement(target.type, before, after));
    const ownName = facts.autonameMax !== undefined && !(Array.isArray(news["__defaults"]) && news["__defaults"].includes("name"));
    return { changes, deleteBeforeReplace: ownName && isEqual(change.oldInputs["name"], change.news["name"]) };
  }

  previewed(target: Target, news: Values, oldOutputs: Values = {}): Values {
    const { schema, facts } = this.known(target.type);
    return markSecrets(withComputed(news, oldOutputs, schema, true), facts);
  }

  create(target: Target, news: Values): Promise<{ id: string; outputs: Values }> {
    return this.faults.during(() => this.createNow(target, news));
  }

  private async createNow(target: Target, news: Values): Promise<{ id: string; outputs: Values }> {
    const { facts } = this.known(target.type);
    const inputs = plain(news);
    const id = resourceId(facts.id, inputs, this.settings);
    const done = await this.faults.meet({ operation: "create", type: target.type, name: target.name });
    const refusal = this.cloud.get(target.type, id) === undefined ? undefined : this.cloudPackage.refusals.exists(target.type, id);
    if (refusal !== undefined) throw new Error(refusal);
    let resource: CloudResource = { ...target, id, inputs, outputs: this.outputsOf(target.type, id, inputs, {}) };
    this.cloudPackage.admit(resource, undefined, this.cloud);
    // Named before the behaviour is waited for: two of one name at once are one too many.
    this.cloud.put(resource);
    try {
      const added = await this.behaviour(target.type)?.create?.(resource, this.cloud);
      if (added !== undefined) resource = changed(resource, added);
    } catch (error) {
      this.cloud.remove(target.type, id);
      throw error;
    }
    if (resource.id !== id) this.cloud.remove(target.type, id);
    this.cloud.put(resource);
    this.cloud.record({ operation: "create", type: target.type, name: target.name, id: resource.id });
    await done();
    return { id: resource.id, outputs: this.answered(target.type, news, resource.outputs) };
  }

  update(target: Target, id: string, news: Values): Promise<Values> {
    return this.faults.during(() => this.updateNow(target, id, news));
  }

  private async updateNow(target: Target, id: string, news: Values): Promise<Values> {
    const done = await this.faults.meet({ operation: "update", type: target.type, name: target.name });
    const previous = this.cloud.get(target.type, id);
    if (previous === undefined) throw new Error(this.cloudPackage.refusals.missing(target.type, id));
    const inputs = plain(news);
    const resource: CloudResource = { ...target, id, inputs, outputs: this.outputsOf(target.type, id, inputs, previous.outputs) };
    this.cloudPackage.admit(resource, previous, this.cloud);
    const added = await this.behaviour(target.type)?.update?.(resource, previous, this.cloud);
    if (added !== undefined) resource.outputs = { ...resource.outputs, ...added };
    this.cloud.put(resource);
    this.cloud.record({ operation: "update", type: target.type, name: target.name, id });
    await done();
    return this.answered(target.type, news, resource.outputs);
  }

  /**
   * @param inputs as the engine has them; empty on an import
   * @returns undefined where the cloud has no such resource
   */
  async read(target: Target, id: string, inputs: Values): Promise<{ inputs: Values; outputs: Values } | undefined> {
    await this.faults.meet({ operation: "read", type: target.type, name: target.name });
    const resource = this.cloud.get(target.type, id);
    if (resource === undefined) return undefined;
    const added = await this.behaviour(target.type)?.read?.(resource, this.cloud);
    if (added === "gone") {
      this.cloud.remove(target.type, id);
      return undefined;
    }
    if (added !== undefined) resource.outputs = { ...resource.outputs, ...added };
    const current = refreshed(inputs, resource.inputs);
    return { inputs: current, outputs: this.answered(target.type, current, resource.outputs) };
  }

  delete(target: Target, id: string): Promise<void> {
    return this.faults.during(() => this.deleteNow(target, id));
  }

  private async deleteNow(target: Target, id: string): Promise<void> {
    const done = await this.faults.meet({ operation: "delete", type: target.type, name: target.name });
    const resource = this.cloud.get(target.type, id);
    if (resource === undefined) return;
    const policy = resource.inputs["deletionPolicy"];
    if (policy === "PREVENT") throw new Error(`cannot destroy ${shortType(target.type)} ${id}: its deletionPolicy is PREVENT`);
    if (resource.inputs["deletionProtection"] === true) throw new Error(`cannot destroy ${shortType(target.type)} ${id} without setting deletionProtection=false and running pulumi up`);
    if (policy !== "ABANDON") {
      this.cloudPackage.release(resource, this.cloud);
      await this.behaviour(target.type)?.delete?.(resource, this.cloud);
      this.cloud.remove(target.type, id);
    }
    this.cloud.record({ operation: "delete", type: target.type, name: target.name, id });
    await done();
  }

  invoke(token: string, args: Values): Values {
    return this.cloudPackage.invoke(token, plain(args), this.settings);
  }

  private get settings(): CloudSettings {
    return this.cloud.settings;
  }

  private known(type: string): { schema: ResourceSchema; facts: ResourceFacts } {
    const schema = this.schemas[type];
    const facts = this.cloudPackage.facts[type];
    if (schema === undefined || facts === undefined) throw new Error(`the simulated cloud does not know ${type}: add it to the facts of ${this.cloudPackage.name}`);
    return { schema, facts };
  }

  /** Plain outputs: inputs, what the package knows, what was there before, and empty values for the rest. */
  private outputsOf(type: string, id: string, inputs: Values, previous: Values): Values {
    const outputs = withComputed(inputs, { ...previous, ...this.cloudPackage.outputs(type, id, inputs, this.settings) }, this.known(type).schema, false);
    return { ...outputs, ...this.cloudPackage.readBack?.(type, outputs) };
  }

  /** Outputs as the engine gets them: with the marks that the inputs have, and in the form that the cloud has them in. */
  private answered(type: string, inputs: Values, outputs: Values): Values {
    const { schema, facts } = this.known(type);
    // A provider that reads back knows what the program did not say, too.
    const unsaid = this.cloudPackage.readBack === undefined ? {} : outputs;
    const answer = Object.entries({ ...unsaid, ...withComputed(inputs, outputs, schema, false) }).map(([name, value]): [string, Value] => {
      const current = outputs[name];
      if (current === undefined || isEqual(unwrapped(value), current)) return [name, value];
      return [name, isSecret(value) ? secret(current) : current];
    });
    return markSecrets(Object.fromEntries(answer), facts);
  }

  private behaviour(type: string): Behaviour | undefined {
    // At the first use: a preview needs none, and they are slow to load.
    this.behaviours ??= new Map(behaviourModules(this.behavioursFolder).flatMap(({ behaviours }) => Object.entries(behaviours)));
    return this.behaviours.get(type);
  }
}

function plain(values: Values): Values {
  return unwrapped(Object.fromEntries(Object.entries(values).filter(([name]) => name !== "__defaults"))) as Values;
}

/** The inputs with what the cloud has in their place; on an import, all that the cloud has. Marks around secrets stay where nothing changed. */
function refreshed(inputs: Values, current: Values): Values {
  if (Object.keys(inputs).length === 0) return { ...current, __defaults: [] };
  return Object.fromEntries(Object.entries(inputs).flatMap(([name, value]): [string, Value][] => {
    if (name === "__defaults" || isEqual(unwrapped(value), current[name])) return [[name, value]];
    return current[name] === undefined ? [] : [[name, current[name]]];
  }));
}

function markSecrets(outputs: Values, facts: ResourceFacts): Values {
  const names = new Set((facts.secrets ?? "").split(" "));
  return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, names.has(name) ? secret(value) : value]));
}

/** `DatabaseInstance` of the type token. */
function shortType(type: string): string {
  return type.split(":").at(-1)!;
}

/** The resource with what a behaviour's `create` gave. */
function changed(resource: CloudResource, { id, ...added }: Values): CloudResource {
  return { ...resource, id: typeof id === "string" ? id : resource.id, outputs: { ...resource.outputs, ...added } };
}
