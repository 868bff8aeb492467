import { mergeOptions } from "@pulumi/pulumi";
import type { ComponentResource, ComponentResourceOptions, CustomResourceOptions } from "@pulumi/pulumi";

/**
 * Options of a component's child. What a component depends on is handed on to its children, which Pulumi does not do by itself: without that, a child
 * would be created before the APIs that its component waits for. `own` are the child's own, whose dependencies are added.
 */
export function childOptions(parent: ComponentResource, options: ComponentResourceOptions | undefined, own: CustomResourceOptions = {}): CustomResourceOptions {
  return mergeOptions({ parent, ...(options?.dependsOn === undefined ? {} : { dependsOn: options.dependsOn }) }, own);
}
