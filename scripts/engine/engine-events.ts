import type { EngineEvent } from "@pulumi/pulumi/automation";

/** What is gathered of a run of the engine. */
export interface EngineReport {
  /** Resources by what was done to them, as the engine counts: `{create: 3, same: 17}`. */
  changes: Record<string, number>;
  /** Errors that the engine showed, in order, without colour marks. */
  errors: string[];
  /** How long each compartment's anchor took, by service, for those that were set up. Unit: milliseconds. */
  setupMs: Map<string, number>;
}

const ANCHOR = /::pulumi:index:Stash::(.+)-setup$/;

/** The engine's long warning about steps that were cut off. For a cloud's resources it is right to ask somebody to look; a setup hook can be run again. */
const PENDING_OPERATIONS = /^Attempting to deploy or update resources with \d+ pending operations/;

/** Follows the engine: progress for a person as it happens, figures for the report. */
export function followEngine(progress: (line: string) => void): { report: EngineReport; onEvent: (event: EngineEvent) => void } {
  const report: EngineReport = { changes: {}, errors: [], setupMs: new Map() };
  const startedAt = new Map<string, number>();
  return {
    report,
    onEvent({ diagnosticEvent, policyEvent, resourcePreEvent, resOutputsEvent, summaryEvent }) {
      if (policyEvent !== undefined) {
        const { policyName, resourceUrn, message, enforcementLevel } = policyEvent;
        const text = `policy ${policyName}${resourceUrn === undefined ? "" : `, ${resourceUrn.split("::").slice(2).join(" ")}`}: ${stripColour(message).trim()}`;
        if (enforcementLevel === "mandatory") report.errors.push(text);
        else progress(`warning: ${text}`);
      }
      if (diagnosticEvent !== undefined && !diagnosticEvent.ephemeral) {
        const text = stripColour(diagnosticEvent.message).trim();
        if (PENDING_OPERATIONS.test(text)) progress("an earlier run was cut off in the middle of a step; this one does the step again");
        else if (diagnosticEvent.severity === "error") report.errors.push(text);
        // "debug" comes too, though the type does not say so.
        else if (text !== "" && (diagnosticEvent.severity === "warning" || diagnosticEvent.severity.startsWith("info"))) progress(`${diagnosticEvent.severity === "warning" ? "warning: " : ""}${text}`);
      }
      if (resourcePreEvent !== undefined) startedAt.set(resourcePreEvent.metadata.urn, performance.now());
      if (resOutputsEvent !== undefined) {
        const { urn, op } = resOutputsEvent.metadata;
        const service = ANCHOR.exec(urn)?.[1];
        const started = startedAt.get(urn);
        if (service !== undefined && started !== undefined && (op as string) !== "same") report.setupMs.set(service, Math.round(performance.now() - started));
      }
      if (summaryEvent !== undefined) report.changes = { ...summaryEvent.resourceChanges };
    },
  };
}

/** Pulumi's colour marks: `<{%reset%}>`. */
function stripColour(text: string): string {
  return text.replace(/<\{%[^%]*%\}>/g, "");
}
