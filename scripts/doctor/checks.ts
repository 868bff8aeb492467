import { BulkheadError, messageOf } from "../../manager/src/errors/bulkhead-error";
import { redact } from "../../manager/src/errors/redact";
import { dockerChecks } from "./docker";
import type { DoctorCheck, DoctorProbe, Finding } from "./finding";
import { MACHINE_CHECKS } from "./machine";
import { PULUMI_CHECKS } from "./pulumi";
import { STACK_CHECKS } from "./stack";

/** One check that hangs must not keep the others from being shown. */
const CHECK_TIMEOUT_MS = 30_000;

export async function runChecks(stack: string, signal: AbortSignal): Promise<DoctorCheck[]> {
  return Promise.all(
    [...MACHINE_CHECKS, ...dockerChecks(stack, signal), ...PULUMI_CHECKS, ...STACK_CHECKS].map(async ({ group, id, title, look }): Promise<DoctorCheck> => {
      const { status, detail, fix } = await inTime(look, stack, signal);
      return { group, id, title, status, detail: redact(detail), fix: fix ?? null };
    }),
  );
}

async function inTime(look: DoctorProbe["look"], stack: string, signal: AbortSignal): Promise<Finding> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<Finding>((resolve) => {
    timer = setTimeout(() => resolve({ status: "warning", detail: `no answer within ${CHECK_TIMEOUT_MS / 1000} s` }), CHECK_TIMEOUT_MS);
  });
  try {
    return await Promise.race([look(stack, signal), late]);
  } catch (error) {
    return { status: "failed", detail: messageOf(error), ...(error instanceof BulkheadError && error.hint !== undefined ? { fix: error.hint } : {}) };
  } finally {
    clearTimeout(timer);
  }
}
