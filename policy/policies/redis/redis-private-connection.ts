import type { InstanceArgs } from "@pulumi/gcp/redis/instance";

import { isGiven, resourceRule } from "../../rule";

export const redisPrivateConnection = resourceRule<InstanceArgs>({
  name: "redis-private-connection",
  description: "Memorystore is reached through private services access of a VPC that is named.",
  severity: "high",
  controls: [],
  remediation: "connectMode: \"PRIVATE_SERVICE_ACCESS\" and authorizedNetwork: the VPC's id",
  types: ["gcp:redis/instance:Instance"],
  check(props, report) {
    if (props.connectMode !== "PRIVATE_SERVICE_ACCESS") report(`connectMode is ${props.connectMode ?? "not set"}`);
    if (!isGiven(props, "authorizedNetwork")) report("authorizedNetwork is left to its default, the project's default network");
  },
});
