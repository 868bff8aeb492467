import { runService } from "../run-service";
import { startAuth } from "./service";

runService("auth", startAuth).catch((error: unknown) => {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
});
