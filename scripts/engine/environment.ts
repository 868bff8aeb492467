import { join } from "node:path";
import { pathToFileURL } from "node:url";

import type { Target } from "../../components/tier";
import { BulkheadError } from "../../manager/src/errors/bulkhead-error";
import { pulumiHome } from "../pulumi-cli/locations";

/**
 * The environment for Pulumi's CLI. State lies in the checkout, unless PULUMI_BACKEND_URL names another place; for the state in the
 * checkout the passphrase is the empty one that Pulumi.dev.yaml's salt belongs to, whatever the user has set for other projects.
 */
export function engineEnvironment(root: string, env: NodeJS.ProcessEnv): Record<string, string> {
  const own: Record<string, string> = {
    PULUMI_SKIP_UPDATE_CHECK: "true",
    // With neither HOME nor PULUMI_HOME Pulumi would not start.
    PULUMI_HOME: pulumiHome(env),
  };
  if (!env["PULUMI_BACKEND_URL"]) {
    own["PULUMI_BACKEND_URL"] = stateUrl(root);
    own["PULUMI_CONFIG_PASSPHRASE"] = "";
  }
  return own;
}

/**
 * Refuses to put a state with secrets in it into the checkout, where the passphrase is empty.
 *
 * @throws BulkheadError `STATE_BACKEND_MISSING`
 */
export function requireStateBackend(stack: string, { stateBackend }: Pick<Target, "stateBackend">, env: NodeJS.ProcessEnv): void {
  if (stateBackend === null || env["PULUMI_BACKEND_URL"]) return;
  throw new BulkheadError("STATE_BACKEND_MISSING", `stack ${stack} needs a place of its own for Pulumi's state, which has secrets in it: in the checkout nothing would keep them. Nothing was changed`, {
    hint: `export PULUMI_BACKEND_URL=${stateBackend.url}\n        pulumi stack init ${stack} --secrets-provider="${stateBackend.secretsProvider}"   (the second line once in a stack's life)`,
  });
}

/** Names that must not reach the CLI beside `engineEnvironment`. */
export function engineUnset(env: NodeJS.ProcessEnv): readonly string[] {
  return env["PULUMI_BACKEND_URL"] ? [] : ["PULUMI_CONFIG_PASSPHRASE_FILE"];
}

/** Folder of the checkout in which Pulumi's file backend makes `.pulumi`. */
function stateUrl(root: string): string {
  if (process.platform === "win32") return pathToFileURL(root).href;
  // Pulumi reads it as a URL, but takes spaces, quotes and letters of any language as they are.
  return `file://${root.replace(/[%?#]/g, (character) => encodeURIComponent(character))}`;
}

/** Where the file backend keeps the locks of a stack. */
export function locksFolder(root: string, project: string, stack: string): string {
  return join(root, ".pulumi", "locks", "organization", project, stack);
}

/** Where the file backend keeps the state of a stack. */
export function stateFile(root: string, project: string, stack: string): string {
  return join(root, ".pulumi", "stacks", project, `${stack}.json`);
}
