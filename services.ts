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
  // What has an image is run by targets that run services (gcp); the laptop's target runs databases only. Each stack names the digest that it runs.
  accounts: { port: 8001, image: "europe-west1-docker.pkg.dev/example-project/services/accounts" },
  backend: { port: 8000, calls: ["accounts"], image: "europe-west1-docker.pkg.dev/example-project/services/backend", redis: true, clickhouse: true },
  // Has no compartment: it reaches data over HTTP only, and validation proves that it has no login. It alone has a path, so it alone is reached from outside.
  frontend: { port: 3000, database: null, calls: ["backend", "accounts"], image: "europe-west1-docker.pkg.dev/example-project/services/frontend", path: "/*" },
});
