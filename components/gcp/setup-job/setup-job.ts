import { Job } from "@pulumi/gcp/cloudrunv2/job";
import type { JobArgs } from "@pulumi/gcp/cloudrunv2/job";
import type { cloudrunv2 as inputs } from "@pulumi/gcp/types/input";
import { ComponentResource } from "@pulumi/pulumi";
import type { ComponentResourceOptions, Input } from "@pulumi/pulumi";

import { childOptions } from "../child-options";
import { labelsOf, namesOf } from "../labels";
import { applyTransform } from "../transform";
import type { Transform } from "../transform";

export interface SetupJobArgs {
  /** Pulumi stack. */
  readonly stack: string;
  readonly project: string;
  readonly region: string;
  /** Image of `components/gcp/setup-job/Dockerfile`, with a digest. */
  readonly image: string;
  /** E-mail of the `setup` account. It holds rights on the stack's secrets, one by one, and none on the project. */
  readonly account: Input<string>;
  /** The way into the VPC. */
  readonly vpcAccess: Input<inputs.JobTemplateTemplateVpcAccess>;
  /** Key of one's own. Null: Google's. */
  readonly encryptionKey: Input<string> | null;
  readonly transform?: { readonly job?: Transform<JobArgs> };
}

/** Cloud Run ends an execution after this. Migrations of a large table take longer than anything else; `up` waits as long. */
export const SETUP_TIMEOUT_SECONDS = 3600;

/**
 * A Cloud Run job that sets up compartments from inside the VPC, for a machine that has no way in. Nothing runs until `up` starts an execution with a
 * plan, which holds no secret; the admin's password the job takes from Secret Manager.
 *
 * It can be made anew at any time, so nothing protects it from being destroyed.
 */
export class SetupJob extends ComponentResource {
  readonly job: Job;

  constructor(name: string, args: SetupJobArgs, options?: ComponentResourceOptions) {
    super("bulkhead:gcp:SetupJob", name, {}, options);
    this.job = new Job(name, applyTransform(jobArgs(args), args.transform?.job), childOptions(this, options));
    this.registerOutputs({ job: this.job.name });
  }
}

function jobArgs({ stack, project, region, image, account, vpcAccess, encryptionKey }: SetupJobArgs): JobArgs {
  return {
    name: namesOf(stack).setupJob,
    project,
    location: region,
    deletionProtection: false,
    labels: labelsOf(stack),
    template: {
      taskCount: 1,
      parallelism: 1,
      labels: labelsOf(stack),
      template: {
        serviceAccount: account,
        timeout: `${SETUP_TIMEOUT_SECONDS}s`,
        // A setup that failed is told and mended, not tried three times in the dark.
        maxRetries: 0,
        executionEnvironment: "EXECUTION_ENVIRONMENT_GEN2",
        vpcAccess,
        ...(encryptionKey === null ? {} : { encryptionKey }),
        containers: [
          {
            image,
            envs: [
              { name: "BULKHEAD_STACK", value: stack },
              { name: "GOOGLE_CLOUD_PROJECT", value: project },
            ],
            resources: { limits: { cpu: "1", memory: "1Gi" } },
          },
        ],
      },
    },
  };
}
