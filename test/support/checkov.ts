import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/** Fixed: a newer one has new checks, which are looked at before they are taken. */
const VERSION = "3.3.30";
/** It brings a hundred packages along. */
const INSTALL_TIMEOUT_MS = 10 * 60_000;
const SCAN_TIMEOUT_MS = 120_000;
const OUTPUT_MAX_BYTES = 64 * 2 ** 20;

/** Checkov, or why there is none. */
export type Checkov = { readonly scan: (file: string, framework: "terraform_json" | "terraform_plan") => ScanResult } | { readonly missing: string };

/** A check of a resource. */
export interface CheckedResource {
  /** e.g. `CKV_GCP_6`. */
  readonly id: string;
  /** As Checkov writes it. */
  readonly resource: string;
}

export interface ScanResult {
  readonly passed: readonly CheckedResource[];
  readonly failed: readonly CheckedResource[];
}

/**
 * Checkov from a cache of the tests' own, installed with pip at the first time. Synchronous: whether tests are skipped must be known before they are declared.
 */
export function obtainCheckov(env: NodeJS.ProcessEnv = process.env): Checkov {
  const cache = join(env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "bulkhead-tests");
  try {
    const python = execFileSync("python3", ["-c", "import sys; print('.'.join(map(str, sys.version_info[:2])))"], { encoding: "utf8", timeout: 10_000 }).trim();
    const packages = join(cache, `checkov-${VERSION}-python${python}-${process.platform}-${process.arch}`);
    if (!existsSync(packages)) install(packages);
    return { scan: (file, framework) => scan(packages, file, framework) };
  } catch (error) {
    return { missing: `Checkov could not be obtained (${firstLine(error)})` };
  }
}

/** Made under another name and renamed: it is there whole or not at all. */
function install(packages: string): void {
  mkdirSync(join(packages, ".."), { recursive: true });
  const draft = mkdtempSync(`${packages}-`);
  try {
    execFileSync("python3", ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target", draft, `checkov==${VERSION}`], { encoding: "utf8", timeout: INSTALL_TIMEOUT_MS, stdio: ["ignore", "pipe", "pipe"] });
    renameSync(draft, packages);
  } catch (error) {
    rmSync(draft, { recursive: true, force: true });
    // Another process was faster.
    if (!existsSync(packages)) throw error;
  }
}

function scan(packages: string, file: string, framework: string): ScanResult {
  const args = ["-m", "checkov.main", "--file", file, "--framework", framework, "--output", "json", "--compact", "--soft-fail", "--skip-download"];
  // What is known only afterwards counts as set, not as missing.
  const env = { ...process.env, PYTHONPATH: packages, LOG_LEVEL: "CRITICAL", EVAL_TF_PLAN_AFTER_UNKNOWN: "True" };
  const { status, stdout, stderr, error } = spawnSync("python3", args, { encoding: "utf8", timeout: SCAN_TIMEOUT_MS, maxBuffer: OUTPUT_MAX_BYTES, env });
  if (error !== undefined || status !== 0) throw error ?? new Error(`Checkov ended with ${status}: ${stderr}`);
  const { results } = JSON.parse(stdout) as { results: Record<"passed_checks" | "failed_checks", { check_id: string; resource: string }[]> };
  const checked = (checks: { check_id: string; resource: string }[]): CheckedResource[] => checks.map(({ check_id, resource }) => ({ id: check_id, resource }));
  return { passed: checked(results.passed_checks), failed: checked(results.failed_checks) };
}

function firstLine(error: unknown): string {
  const { stderr, message } = error as { stderr?: unknown; message?: unknown };
  const text = typeof stderr === "string" && stderr.trim() !== "" ? stderr : String(message);
  return text.trim().split("\n")[0]!.slice(0, 200);
}
