import { describePulumiCli, findPulumiCli } from "../pulumi-cli/find";
import { PINNED_PULUMI_VERSION } from "../pulumi-cli/version";
import { passed, warning } from "./finding";
import type { DoctorProbe } from "./finding";

const group = "Pulumi";

export const PULUMI_CHECKS: readonly DoctorProbe[] = [
  {
    group,
    id: "pulumi-cli",
    title: "Pulumi CLI",
    look: async (_stack, signal) => {
      const search = await findPulumiCli(process.env, signal);
      const detail = describePulumiCli(search).join("; ");
      return search.chosen === undefined ? warning(detail, `npm run up (it obtains ${PINNED_PULUMI_VERSION}: a download, or a build of about three minutes)`) : passed(detail);
    },
  },
  {
    group,
    id: "pulumi-language-host",
    title: "Node language host",
    look: async (_stack, signal) => {
      const { chosen } = await findPulumiCli(process.env, signal);
      if (chosen === undefined) return warning("no CLI yet");
      const { languageHost } = chosen;
      return languageHost === "none" ? warning("none: npm run up works, plain `pulumi up` does not", "npm run up (it puts a stand-in beside a CLI that it built)") : passed(languageHost);
    },
  },
  {
    group,
    id: "pulumi-backend",
    title: "State",
    look: async () => passed(process.env["PULUMI_BACKEND_URL"] === undefined ? "in the checkout: .pulumi/" : "where PULUMI_BACKEND_URL says"),
  },
];
