import type { PackageFacts } from "../resource-facts";
import { dataFacts } from "./facts/data";
import { edgeFacts } from "./facts/edge";
import { machineFacts } from "./facts/machines";
import { networkFacts } from "./facts/network";
import { serviceFacts } from "./facts/services";

/** Every type of Google Cloud that the simulated cloud knows. */
export const gcpFacts: PackageFacts = { ...networkFacts, ...machineFacts, ...edgeFacts, ...dataFacts, ...serviceFacts };
