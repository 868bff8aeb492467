import { runService } from "../run-service";
import { startApihub } from "./service";

runService("apihub", startApihub).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
