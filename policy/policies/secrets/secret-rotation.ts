import type { SecretArgs } from "@pulumi/gcp/secretmanager/secret";

import { isGiven, resourceRule } from "../../rule";

/** 90 days. */
const LONGEST_S = 90 * 86_400;

export const secretRotation = resourceRule<SecretArgs>({
  name: "secret-rotation",
  description: "A reminder to rotate comes every 90 days or sooner, to somebody.",
  severity: "medium",
  controls: ["prowler secretmanager_secret_rotation_enabled"],
  remediation: "rotation: { rotationPeriod: \"7776000s\", nextRotationTime } and topics: one of them",
  types: ["gcp:secretmanager/secret:Secret"],
  check(props, report) {
    const seconds = Number.parseInt(props.rotation?.rotationPeriod ?? "", 10);
    if (!(seconds <= LONGEST_S)) report(props.rotation === undefined ? "it is never due" : `it is due every ${props.rotation.rotationPeriod ?? "(not set)"}`);
    else if (!isGiven(props.rotation, "nextRotationTime")) report("it has no time at which it is due first");
    if ((props.topics?.length ?? 0) === 0) report("nobody is told that it is due: it has no topic");
  },
});
