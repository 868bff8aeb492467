/** What a machine type of Cloud SQL means. */
export interface SqlMachine {
  readonly family: SqlMachineFamily;
  readonly cpus: number;
  readonly memoryMb: number;
  /** The edition that has it. */
  readonly edition: "ENTERPRISE" | "ENTERPRISE_PLUS";
  /** Kind of disk that goes with it: N4 and C4A take Hyperdisk only, the others do not. */
  readonly diskType: "PD_SSD" | "HYPERDISK_BALANCED";
}

export type SqlMachineFamily = "shared core" | "custom" | "N4" | "N2 (perf-optimized)" | "C4A";

/** Machines of the smallest kind share a core, and have no service level agreement. */
const SHARED_CORE: Readonly<Record<string, number>> = { "db-f1-micro": 614, "db-g1-small": 1740 };

const CPUS_PERF_OPTIMIZED = [2, 4, 8, 16, 32, 48, 64, 80, 96, 128];
const CPUS_C4A = [2, 4, 8, 16, 32, 48, 64, 72];

/**
 * What a machine type of Cloud SQL for PostgreSQL means, or undefined where there is none of this name.
 * (Cloud SQL documentation, "Instance settings" and "Machine series overview": custom machines have 1 or an even number of up to 96 CPUs,
 * 0.9 to 6.5 GB for each, in steps of 256 MB, from 3.75 GB; the predefined ones have 8 GB for each CPU, the largest 864.)
 */
export function sqlMachine(machineType: string): SqlMachine | undefined {
  if (Object.hasOwn(SHARED_CORE, machineType)) return { family: "shared core", cpus: 1, memoryMb: SHARED_CORE[machineType]!, edition: "ENTERPRISE", diskType: "PD_SSD" };

  const custom = /^db-custom-(N4-)?([1-9]\d?)-([1-9]\d{3,5})$/.exec(machineType);
  if (custom !== null) {
    const [cpus, memoryMb, isN4] = [Number(custom[2]), Number(custom[3]), custom[1] !== undefined];
    // N4 has bounds of its own, which Google checks: 2 to 80 CPUs and at least 2 GB for each.
    const fits = isN4
      ? cpus % 2 === 0 && cpus <= 80 && memoryMb >= cpus * 2048 && memoryMb <= 624 * 1024
      : (cpus === 1 || cpus % 2 === 0) && cpus <= 96 && memoryMb >= Math.max(3840, cpus * 0.9 * 1024) && memoryMb <= cpus * 6.5 * 1024;
    if (!fits || memoryMb % 256 !== 0) return undefined;
    return { family: isN4 ? "N4" : "custom", cpus, memoryMb, edition: "ENTERPRISE", diskType: isN4 ? "HYPERDISK_BALANCED" : "PD_SSD" };
  }

  const predefined = /^db-(perf-optimized-N|c4a-highmem)-(\d{1,3})$/.exec(machineType);
  if (predefined === null) return undefined;
  const [isC4a, cpus] = [predefined[1] === "c4a-highmem", Number(predefined[2])];
  if (!(isC4a ? CPUS_C4A : CPUS_PERF_OPTIMIZED).includes(cpus)) return undefined;
  return {
    family: isC4a ? "C4A" : "N2 (perf-optimized)",
    cpus,
    memoryMb: Math.min(cpus * 8, 864) * 1024,
    edition: "ENTERPRISE_PLUS",
    diskType: isC4a ? "HYPERDISK_BALANCED" : "PD_SSD",
  };
}

/** When the table below was read off Google's page "Region availability overview" of Cloud SQL. */
export const REGIONS_AS_OF = "2026-11";

/** Regions that have Cloud SQL, but not this family. It is a list of what is known to be missing: a region that is not in it passes, and Google decides. */
const REGIONS_WITHOUT: Readonly<Partial<Record<SqlMachineFamily, readonly string[]>>> = {
  N4: [
    ...["asia-east1", "asia-east2", "asia-northeast2", "asia-south1", "australia-southeast1", "australia-southeast2"],
    ...["europe-central2", "europe-north1", "europe-north2", "europe-west1", "europe-west6", "europe-west8", "europe-west10", "europe-west12"],
    ...["me-central1", "me-central2", "northamerica-northeast1", "northamerica-south1", "southamerica-west1"],
  ],
  "N2 (perf-optimized)": ["europe-north2"],
  C4A: ["europe-north2"],
};

/** True where the region is known not to have the family. */
export function isMissingIn(family: SqlMachineFamily, region: string): boolean {
  return REGIONS_WITHOUT[family]?.includes(region) ?? false;
}

/** Zones of the regions that do not simply have a, b and c (Compute Engine documentation, "Regions and zones"). */
const ZONES: Readonly<Record<string, string>> = { "europe-west1": "bcd", "us-east1": "bcd", "us-central1": "abcf" };

/** Why this is no zone of the region, or undefined if it may be one: of regions that are not known here, every letter passes. */
export function zoneProblem(zone: string, region: string): string | undefined {
  if (!zone.startsWith(`${region}-`)) return `is not in ${region}`;
  const letters = ZONES[region];
  return letters === undefined || letters.includes(zone.slice(region.length + 1)) ? undefined : `does not exist; ${region} has ${[...letters].join(", ")}`;
}
