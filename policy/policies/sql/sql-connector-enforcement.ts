import { isGiven } from "../../rule";
import { instanceRule } from "./instance";

export const sqlConnectorEnforcement = instanceRule({
  name: "sql-connector-enforcement",
  description: "Whether only Google's connectors may connect is decided, not left open.",
  severity: "low",
  controls: [],
  remediation: "settings.connectorEnforcement: \"NOT_REQUIRED\" (clients verify TLS themselves) or \"REQUIRED\"",
  check({ settings }, report) {
    if (!isGiven(settings, "connectorEnforcement")) report("connectorEnforcement is left to its default");
  },
});
