import { defineServices } from "./manager/src/catalog/define-services";

/**
 * The service catalog: the one file to edit when a service comes, changes or goes. `bulkhead preview` shows what would follow from it.
 * A service gets the database `<name>_db`, the roles `<name>_owner|_migrator|_app|_user|_user_b|_readonly`, a secret for each login,
 * and its schema from `schemas/<name>/`.
 */
export default defineServices({
  auth: { port: 5500 },
  l2p: { port: 3001 },
  // Prisma reads the schema's name from the URL.
  payment: { port: 3004, urlParameters: { schema: "public" } },
  videovault: { port: 5100 },
  exploits: { port: 8080 },
  apihub: { port: 8090 },
  accounts: { port: 8001 },
  backend: { port: 8000, calls: ["accounts"] },
  // Has no compartment: it reaches data over HTTP only, and validation proves that it has no login.
  frontend: { port: 3000, database: null, calls: ["backend", "accounts"] },
});
