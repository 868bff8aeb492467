import type { JobArgs } from "@pulumi/gcp/cloudrunv2/job";
import type { ServiceArgs } from "@pulumi/gcp/cloudrunv2/service";

import type { Declared, Props } from "../../rule";

/** What a container has that rules ask about. */
export interface Container {
  readonly image: string;
  readonly envs?: readonly { readonly name: string; readonly value?: string | undefined }[] | undefined;
}

/** Containers of a Cloud Run service or job. */
export function containersOf({ type, props }: Declared): readonly Container[] {
  if (type === "gcp:cloudrunv2/job:Job") return (props as unknown as Props<JobArgs>).template.template.containers ?? [];
  return (props as unknown as Props<ServiceArgs>).template.containers ?? [];
}
