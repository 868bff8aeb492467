import { randomUUID } from "node:crypto";

import { all, ComponentResource, log, output, runtime, Stash } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Output, Resource } from "@pulumi/pulumi";

import { setupHook, valueOf } from "../../../hook";
import { reported } from "../../../mendable";
import { clickHouseHost } from "../clickhouse";
import type { GoogleClients } from "../../google/clients";
import type { Redis } from "../redis";
import { storeSecretNames } from "../../secrets/secret-containers";
import type { SecretOwner } from "../../secrets/secret-containers";
import type { Secrets } from "../../secrets/secrets";
import { clickHouseSecrets } from "./clickhouse-secrets";
import { redisSecret } from "./redis-secret";
import type { StoreSetup } from "../../../../manager/src/stores/store";

export interface StoreSecretsArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** The catalog's services. */
  readonly services: readonly SecretOwner[];
  /** The containers that are written to. */
  readonly secrets: Secrets;
  /** Null: no service asks for it. */
  readonly redis: Redis | null;
  /** Ways to Memorystore and Secret Manager. Not closed here. */
  readonly clients: GoogleClients;
}

/** Permissions on the project that whoever runs `up` needs for this, beside those for the resources themselves; none without stores. */
export function storePermissions(services: readonly Pick<SecretOwner, "redis" | "clickhouse">[]): readonly string[] {
  const wantsRedis = services.some(({ redis }) => redis);
  if (!wantsRedis && !services.some(({ clickhouse }) => clickhouse)) return [];
  return [
    ...["access", "add", "list", "disable"].map((verb) => `secretmanager.versions.${verb}`),
    ...(wantsRedis ? ["redis.instances.get", "redis.instances.getAuthString"] : []),
  ];
}

/**
 * What services read to get into Redis and ClickHouse, written to Secret Manager by hooks, as compartments are set up: an anchor for each Redis, so that
 * one that fails holds up its own service only, and one for ClickHouse. Each run looks; a secret that is lost, disabled, half written or
 * no longer true is a change, which the hook mends. No secret is among the inputs and outputs.
 */
export class StoreSecrets extends ComponentResource {
  readonly #anchors = new Map<string, Resource[]>();

  constructor(name: string, args: StoreSecretsArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:StoreSecrets", name, {}, options);
    const { stack, services, secrets, clients } = args;
    const names = storeSecretNames(stack);
    for (const [service, { id }] of Object.entries(args.redis?.instances ?? {})) {
      const secret = names.redis(service);
      const setup = all([id, secrets.readable(secret)]).apply(([instance]) => redisSecret({ clients, instance, secret }));
      this.#anchor(`redis-${service}-secret`, `writing the Redis secret of ${service}`, { instance: id }, setup, [service]);
    }
    const wanting = services.filter(({ clickhouse }) => clickhouse).map((service) => service.name);
    if (wanting.length > 0) {
      const host = clickHouseHost(stack);
      const ids = [names.clickhouseAuthority, names.clickhouseTls, ...wanting.flatMap((service) => [names.clickhouse(service), names.clickhouseHash(service)])];
      const setup = all(ids.map((id) => secrets.readable(id))).apply(() => clickHouseSecrets({ clients, names, host, services: wanting }));
      this.#anchor("clickhouse-secrets", "writing the secrets of ClickHouse", { host, services: wanting }, setup, wanting);
    }
    this.registerOutputs({});
  }

  /** What a service has to wait for: a Cloud Run service whose secret has no version does not start. */
  after(service: string): readonly Resource[] {
    return this.#anchors.get(service) ?? [];
  }

  #anchor(name: string, what: string, input: Readonly<Record<string, Input<unknown>>>, setup: Output<StoreSetup>, services: readonly string[]): void {
    const observed = setup.apply((store) => reported(() => store.observe()));
    // A token of its own for everything that differs makes the engine see a change, and so run the hook.
    const token = observed.apply((found) => found?.token ?? randomUUID());
    if (runtime.isDryRun()) observed.apply((found) => found?.findings.forEach((finding) => void log.info(`would mend: ${finding}`, this)));
    const hook = setupHook(`${name}-setup`, what, async (signal) => {
      // Known by now: the anchor's input was made from them.
      const [store, wanted] = await Promise.all([valueOf(setup), valueOf(token)]);
      for (const line of await store.setUp(wanted, signal)) void log.info(line, this);
    });
    const anchor = new Stash(name, { input: output({ ...input, token }) }, { parent: this, hooks: { beforeCreate: [hook], beforeUpdate: [hook] } });
    for (const service of services) this.#anchors.set(service, [...this.after(service), anchor]);
  }
}
