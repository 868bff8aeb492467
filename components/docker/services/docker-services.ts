import { Container } from "@pulumi/docker/container";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Resource } from "@pulumi/pulumi";

import type { Catalog } from "../../../manager/src/catalog/catalog";
import type { DockerConfig } from "../config";
import { imageIdOf } from "../images";
import type { LocalImages } from "../images";
import { labelsOf } from "../names";
import { dockerPaths } from "../paths";
import type { DockerTier } from "../tier";
import { serviceContainer } from "./service-container";

/** What runs on the tier. */
export interface DockerServicesArgs {
  /** Pulumi stack. */
  readonly stack: string;
  /** Root of the checkout. */
  readonly root: string;
  readonly config: DockerConfig;
  readonly catalog: Catalog;
  readonly tier: DockerTier;
  readonly localImages: LocalImages;
  /** What has to be there first: the service's own compartments, whose setup writes the files that its container mounts. */
  readonly after: (service: string) => readonly Resource[];
}

/**
 * The services that have an image, as containers in the tier's network.
 *
 * All are in one network, so each can open a connection to each: what keeps them apart is that nobody has another's login. A network for each pair of `calls`
 * would have to connect Postgres to a new one with every new service, and the provider makes a container anew for that.
 */
export class DockerServices extends ComponentResource {
  /** Where each is reached from the host. */
  readonly urls: Readonly<Record<string, string>>;

  constructor(name: string, args: DockerServicesArgs, options?: ComponentResourceOptions) {
    super("bulkhead:docker:Services", name, {}, options);
    const { stack, config, catalog, tier, localImages, after } = args;
    const child = { parent: this, provider: tier.provider };
    const running = catalog.services.filter((service) => Object.hasOwn(config.services, service.name));
    for (const service of running) {
      const own = config.services[service.name]!;
      new Container(
        `${name}-${service.name}`,
        serviceContainer({
          stack,
          service,
          config: own,
          bindAddress: config.bindAddress,
          called: running.filter((callee) => callee !== service && service.calls.includes(callee.name)),
          paths: dockerPaths(args),
          labels: labelsOf(args),
          imageId: imageIdOf(`${name}-${service.name}-image`, own.image, localImages, child),
          networkId: tier.network.id,
        }),
        { ...child, dependsOn: [...after(service.name)], deleteBeforeReplace: true },
      );
    }
    this.urls = Object.fromEntries(running.map((service) => [service.name, `http://localhost:${service.port}`]));
    this.registerOutputs({ urls: this.urls });
  }
}
