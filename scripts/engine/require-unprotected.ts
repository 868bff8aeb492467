import type { Deployment } from "@pulumi/pulumi/automation";

import { BulkheadError } from "../../manager/src/errors/bulkhead-error";

/** At most this many resources are named. */
const SHOWN_MAX = 5;

/**
 * Refuses to destroy a stack of which a part is protected. The engine would delete the rest, up to the first protected one. The configuration was
 * asked before; the state still says so when protection was switched off and not deployed, or was put on a resource by hand.
 *
 * @throws BulkheadError `DESTROY_PROTECTED`
 */
export function requireUnprotected(stack: string, { deployment }: Deployment): void {
  const { resources } = (deployment ?? {}) as { resources?: readonly { readonly urn: string; readonly protect?: boolean }[] | null };
  const names = (resources ?? []).filter(({ protect }) => protect === true).map(({ urn }) => urn.slice(urn.lastIndexOf("::") + 2));
  if (names.length === 0) return;
  const more = names.length > SHOWN_MAX ? ` and ${names.length - SHOWN_MAX} more` : "";
  throw new BulkheadError("DESTROY_PROTECTED", `${names.length} of stack ${stack}'s resources are protected in Pulumi's state: ${names.slice(0, SHOWN_MAX).join(", ")}${more}; nothing was destroyed`, {
    hint: `npx bulkhead up --stack ${stack}   (takes off what the configuration no longer asks for), then the same command again; what was protected by hand: pulumi state unprotect <urn> --stack ${stack}`,
  });
}
