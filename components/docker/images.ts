import { RemoteImage } from "@pulumi/docker/remoteImage";
import type { CustomResourceOptions, Input } from "@pulumi/pulumi";

import { inspectImage } from "./engine/inspect";
import { imageMissing } from "./lifecycle-obstacles";

/** Ids of images by name: those that are here, where none is pulled; empty where they are. */
export type LocalImages = ReadonlyMap<string, string>;

/**
 * The ids of images that have to be here already. By id and without a resource: the provider pulls what it does not find by its name.
 *
 * @throws BulkheadError `IMAGE_MISSING`
 */
export async function findLocalImages(stack: string, names: readonly string[], signal?: AbortSignal): Promise<LocalImages> {
  const found = await Promise.all(
    names.map(async (name) => {
      const image = await inspectImage(name, signal);
      if (image === undefined) throw imageMissing(stack, name);
      return [name, image.id] as const;
    }),
  );
  return new Map(found);
}

/** The id of an image, pulled if it is not on the engine. What is there already is not looked for in the registry: a tag means the same until somebody pulls it. */
export function imageIdOf(resourceName: string, image: string, local: LocalImages, options: CustomResourceOptions): Input<string> {
  // Kept, since other stacks, and the next `up`, have it as well.
  return local.get(image) ?? new RemoteImage(resourceName, { name: image, keepLocally: true }, options).imageId;
}
