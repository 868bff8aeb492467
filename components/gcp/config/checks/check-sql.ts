import { mostConnections } from "../connection-budget";
import { isMissingIn, REGIONS_AS_OF, sqlMachine } from "../machine-types";
import type { Check } from "./check";

/** Days of transaction logs that the smaller edition keeps at the most. (The provider's documentation of transactionLogRetentionDays.) */
const ENTERPRISE_LOG_DAYS_MAX = 7;
/** Hyperdisk begins at this size. (Cloud SQL documentation, "Machine series overview".) */
const HYPERDISK_SIZE_MIN_GB = 20;

/** A machine type that its edition or region does not have, and numbers that contradict each other. */
export const checkSql: Check = ({ sql, region }, _catalog, problems) => {
  if (problems.clean("sql.machineType", "sql.edition")) {
    const machine = sqlMachine(sql.machineType)!;
    if (machine.edition !== sql.edition) problems.set("sql.edition", `is ${sql.edition}, which does not have ${sql.machineType}`, machine.edition);
    if (problems.clean("gcp:region") && isMissingIn(machine.family, region)) {
      // ENTERPRISE with machines of the oldest family is in every region that has Cloud SQL.
      problems.set("sql.machineType", `is ${sql.machineType}, but ${region} has no machines of the family ${machine.family} (as of ${REGIONS_AS_OF})`, customOf(machine.cpus, machine.memoryMb));
      if (machine.edition === "ENTERPRISE_PLUS" && sql.edition === "ENTERPRISE_PLUS") problems.set("sql.edition", `is ENTERPRISE_PLUS, which ${region} does not have (as of ${REGIONS_AS_OF})`, "ENTERPRISE");
    }
    if (machine.diskType === "HYPERDISK_BALANCED" && sql.diskSizeGb < HYPERDISK_SIZE_MIN_GB) problems.set("sql.diskSizeGb", `is ${sql.diskSizeGb}; the disks of ${sql.machineType} begin at ${HYPERDISK_SIZE_MIN_GB} GB`, String(HYPERDISK_SIZE_MIN_GB));
    const most = mostConnections(machine.memoryMb);
    if (problems.clean("sql.maxConnections") && sql.maxConnections > most) problems.set("sql.maxConnections", `is ${sql.maxConnections}; ${sql.machineType} has memory for ${most}`, String(most));
  }
  if (sql.diskLimitGb < sql.diskSizeGb && problems.clean("sql.diskLimitGb", "sql.diskSizeGb")) problems.set("sql.diskLimitGb", `is ${sql.diskLimitGb}, under diskSizeGb ${sql.diskSizeGb}`, String(sql.diskSizeGb));
  const { transactionLogDays } = sql.backup;
  if (sql.edition === "ENTERPRISE" && transactionLogDays > ENTERPRISE_LOG_DAYS_MAX && problems.clean("sql.edition", "sql.backup.transactionLogDays")) {
    problems.set("sql.backup.transactionLogDays", `is ${transactionLogDays}; edition ENTERPRISE keeps up to ${ENTERPRISE_LOG_DAYS_MAX}`, String(ENTERPRISE_LOG_DAYS_MAX));
  }
};

/** The custom machine type that is closest to so many CPUs and so much memory, as far as there is one. */
function customOf(cpus: number, memoryMb: number): string {
  const count = Math.min(96, cpus);
  return `db-custom-${count}-${Math.floor(Math.min(memoryMb, count * 6.5 * 1024) / 256) * 256}`;
}
