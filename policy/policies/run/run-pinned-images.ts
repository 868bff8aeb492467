import { resourceRule } from "../../rule";
import { containersOf } from "./containers";

export const runPinnedImages = resourceRule({
  name: "run-pinned-images",
  description: "An image is pinned by its digest, so that what was tested is what runs.",
  severity: "medium",
  controls: [],
  remediation: "containers[].image: name@sha256:\u2026",
  types: ["gcp:cloudrunv2/service:Service", "gcp:cloudrunv2/job:Job"],
  check(_props, report, resource) {
    for (const { image } of containersOf(resource)) if (!image.includes("@sha256:")) report(`${image} has no digest`);
  },
});
