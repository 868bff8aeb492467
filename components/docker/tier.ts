import { Container } from "@pulumi/docker/container";
import { Network } from "@pulumi/docker/network";
import { Provider } from "@pulumi/docker/provider";
import { Volume } from "@pulumi/docker/volume";
import { all, ComponentResource, output, runtime } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input, Output } from "@pulumi/pulumi";

import { reported } from "../mendable";
import type { Tier, TierAccess, TierContext } from "../tier";
import { ensureDockerAccess, previewDockerAccess } from "./access";
import { parseDockerConfig } from "./config";
import type { DockerConfig } from "./config";
import { resolveDockerHost } from "./engine/docker-host";
import { findLocalImages, imageIdOf } from "./images";
import type { LocalImages } from "./images";
import { requireNoObstacles } from "./lifecycle-obstacles";
import { labelsOf, NETWORK, volumeLabelsOf, volumeName } from "./names";
import { dockerPaths } from "./paths";
import type { DockerPaths } from "./paths";
import { presentCertificate, writeServerFiles } from "./prepare";
import { serverContainer } from "./server-container";
import type { ServerSpec } from "./server-container";
import { serverSpecs } from "./servers";
import { DockerServices } from "./services/docker-services";
import { writeServiceFiles } from "./services/write-service-files";

/** What the tier is made from. */
export interface DockerTierArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Root of the checkout. */
  readonly root: string;
  readonly config: DockerConfig;
  /** The engine's address, e.g. `unix:///var/run/docker.sock`. */
  readonly host: string;
  readonly servers: readonly ServerSpec[];
  readonly localImages: LocalImages;
  /** PEM text of the servers' certificate; undefined in the preview of a stack that has none yet. */
  readonly certificate: string | undefined;
}

/** The servers in containers: the network, and for each server its image, volume and container. */
export class DockerTier extends ComponentResource {
  /** Explicit, so that it is the engine that Docker's command line speaks to, whatever context that has from. */
  readonly provider: Provider;
  readonly network: Network;
  readonly containers: readonly Container[];
  readonly #labels: Readonly<Record<string, string>>;

  constructor(name: string, args: DockerTierArgs, options?: ComponentResourceOptions) {
    super("bulkhead:docker:Tier", name, {}, options);
    this.#labels = labelsOf(args);
    this.provider = new Provider("docker", { host: args.host }, { parent: this });
    this.network = this.makeNetwork();
    const paths = dockerPaths(args);
    this.containers = args.servers.map((spec) => this.makeServer(spec, args, paths));
    this.registerOutputs({});
  }

  private makeNetwork(): Network {
    const labels = Object.entries(this.#labels).map(([label, value]) => ({ label, value }));
    return new Network("network", { name: NETWORK, driver: "bridge", labels }, { parent: this, provider: this.provider, deleteBeforeReplace: true });
  }

  private makeServer(spec: ServerSpec, args: DockerTierArgs, paths: DockerPaths): Container {
    const { server } = spec;
    const child = { parent: this, provider: this.provider };
    return new Container(
      server,
      serverContainer(spec, {
        config: args.config,
        paths,
        labels: this.#labels,
        imageId: imageIdOf(`${server}-image`, args.config.images[server], args.localImages, child),
        networkId: this.network.id,
        volume: this.makeVolume(spec, args),
        certificate: args.certificate,
      }),
      // Both would have the name, and worse, the data.
      { ...child, deleteBeforeReplace: true },
    );
  }

  /** Data are removed by `down --destroy` only, which asks for the stack's name, and never by the engine. */
  private makeVolume({ server }: ServerSpec, { stack, config }: DockerTierArgs): Input<string> {
    if (server === "postgres" && config.postgres.volume !== null) return config.postgres.volume;
    const labels = Object.entries(volumeLabelsOf({ stack })).map(([label, value]) => ({ label, value }));
    return new Volume(`${server}-data`, { name: volumeName(stack, server), labels }, { parent: this, provider: this.provider, retainOnDelete: true, deleteBeforeReplace: true }).name;
  }
}

/** The one part of the target that needs Pulumi. */
export async function createDockerTier(context: TierContext): Promise<Tier> {
  const { stack, root, signal } = context;
  const catalog = context.catalog();
  const config = parseDockerConfig(context.config, catalog);
  // First, since it refuses an engine on another machine without asking it.
  const host = await resolveDockerHost(signal);
  await requireNoObstacles(context);
  const servers = serverSpecs(config, catalog);
  const images = [...servers.map(({ server }) => config.images[server]), ...Object.values(config.services).map(({ image }) => image)];
  const localImages: LocalImages = config.pull === "never" ? await findLocalImages(stack, images, signal) : new Map();
  const isPreview = runtime.isDryRun();
  const certificate = isPreview ? presentCertificate(dockerPaths(context)) : (await writeServerFiles(context, servers, config)).certificate;
  const tier = new DockerTier("tier", { stack, root, config, host, servers, localImages, certificate });
  return {
    resource: tier,
    access: isPreview ? previewAccess(context) : accessBehind(tier, context),
    runServices(after) {
      const services = new DockerServices("services", { stack, root, config, catalog, tier, localImages, after }, { dependsOn: [tier] });
      return { urls: services.urls };
    },
  };
}

/** As things are now: what an `up` would find behind containers that it makes or replaces is not known, and what is there can be compared. */
function previewAccess(context: TierContext): Output<TierAccess | null> {
  // By `apply`, since `output` makes a copy of an object, and a copy has no functions.
  return output(null).apply(() => reported(() => previewDockerAccess(context)));
}

/** Opened once all containers are there; those that were stopped are started. */
function accessBehind(tier: DockerTier, context: TierContext): Output<TierAccess | null> {
  return all(tier.containers.map(({ id }) => id)).apply(() =>
    reported(async () => {
      const access = await ensureDockerAccess(context);
      // What was set up before, and lost or changed since; what the hooks set up is written as they go.
      await writeServiceFiles(context, access);
      return access;
    }),
  );
}
