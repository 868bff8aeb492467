import { LABELS, labelsOf } from "./names";
import type { TierContext } from "../tier";

type Stack = Pick<TierContext, "stack" | "root">;

/** Whether something was made for this stack of this checkout. Nothing else is ever stopped, changed or removed. */
export function isOurs(labels: Readonly<Record<string, string>>, stack: Stack): boolean {
  return hasLabels(labels, labelsOf(stack));
}

/** Whether something has these labels among its own. */
export function hasLabels(labels: Readonly<Record<string, string>>, wanted: Readonly<Record<string, string>>): boolean {
  return Object.entries(wanted).every(([name, value]) => labels[name] === value);
}

/** How the owner of what another checkout of this project has made is told. */
export const OF_ANOTHER_CHECKOUT = "of another checkout";

/** The same as filters of `docker ps`. */
export function ourFilters(stack: Stack): readonly string[] {
  return Object.entries(labelsOf(stack)).map(([name, value]) => `label=${name}=${value}`);
}

/** Whose something is that is not ours, for a message. */
export function ownerOf(labels: Readonly<Record<string, string>>, { stack }: Stack): string {
  const project = labels["com.docker.compose.project"];
  const other = labels[LABELS.stack];
  if (other !== undefined) return other === stack ? `stack ${other} ${OF_ANOTHER_CHECKOUT}` : `stack ${other}`;
  return project === undefined ? "somebody else" : `the Compose project ${project}`;
}
