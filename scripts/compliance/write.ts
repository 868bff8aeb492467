// Writes COMPLIANCE.md: `node -r tsx/cjs scripts/compliance/write.ts`.
import { writeFile } from "node:fs/promises";
import { join } from "node:path";

import { compliance } from "./compliance";

void compliance().then((text) => writeFile(join(__dirname, "..", "..", "COMPLIANCE.md"), text));
