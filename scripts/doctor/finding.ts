/** One thing that `doctor` looked at. */
export interface DoctorCheck {
  readonly group: string;
  /** Stable, for scripts. */
  readonly id: string;
  readonly title: string;
  readonly status: "passed" | "warning" | "failed";
  readonly detail: string;
  /** The command that mends it; null where nothing is to be mended. */
  readonly fix: string | null;
}

/** What a check finds. */
export type Finding = Pick<DoctorCheck, "status" | "detail"> & { readonly fix?: string };

/** A check of its own: an error in it is its finding. */
export interface DoctorProbe {
  readonly group: string;
  readonly id: string;
  readonly title: string;
  readonly look: (stack: string, signal: AbortSignal) => Promise<Finding>;
}

export const passed = (detail: string): Finding => ({ status: "passed", detail });
export const warning = (detail: string, fix?: string): Finding => ({ status: "warning", detail, ...(fix === undefined ? {} : { fix }) });
export const failed = (detail: string, fix?: string): Finding => ({ status: "failed", detail, ...(fix === undefined ? {} : { fix }) });
