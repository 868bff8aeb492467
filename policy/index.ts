import { PolicyPack } from "@pulumi/policy";

import { policiesOf } from "./pack";
import { rules } from "./policies";

// Strict unless told otherwise, so that a forgotten option lets nothing through: `--policy-pack-config policy/advisory.json` only warns.
new PolicyPack("bulkhead", { description: "What every stack of Bulkhead in Google Cloud has to satisfy", enforcementLevel: "mandatory", policies: policiesOf(rules) });
