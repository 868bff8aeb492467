import { endpointVariable, googleSettings } from "../../../components/gcp/google/settings";

const STACK: Readonly<Record<string, string>> = { "gcp:project": "p", "gcp:region": "europe-west1" };
const withStack = (more: Readonly<Record<string, string>> = {}) => (key: string): string | undefined => ({ ...STACK, ...more })[key];

it("speaks to Google's public addresses with Application Default Credentials unless told otherwise", () => {
  const { project, region, accessToken, endpoints } = googleSettings(withStack(), {});
  expect({ project, region, accessToken }).toEqual({ project: "p", region: "europe-west1", accessToken: null });
  expect(endpoints.sql).toBe("https://sqladmin.googleapis.com/sql/v1beta4/");
});

it("takes the stack's access token before that of the environment", () => {
  expect(googleSettings(withStack({ "gcp:accessToken": "of-the-stack" }), { GOOGLE_OAUTH_ACCESS_TOKEN: "of-the-shell" }).accessToken).toBe("of-the-stack");
  expect(googleSettings(withStack(), { GOOGLE_OAUTH_ACCESS_TOKEN: "of-the-shell" }).accessToken).toBe("of-the-shell");
});

it("takes private endpoints by the names that the provider gives them", () => {
  expect(endpointVariable("cloudRunV2")).toBe("GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT");
  const { endpoints } = googleSettings(withStack({ "gcp:secretManagerCustomEndpoint": "https://secretmanager-psc.p.googleapis.com/v1" }), { GOOGLE_CLOUD_RUN_V2_CUSTOM_ENDPOINT: "https://run-psc.p.googleapis.com/v2/" });
  expect(endpoints.secretManager).toBe("https://secretmanager-psc.p.googleapis.com/v1/");
  expect(endpoints.cloudRunV2).toBe("https://run-psc.p.googleapis.com/v2/");
});

it("refuses an endpoint that would send the access token unencrypted, and names every problem with its mend", () => {
  const read = (): unknown => googleSettings((key) => ({ "gcp:sqlCustomEndpoint": "http://example.com/", "gcp:loggingCustomEndpoint": "nonsense" })[key], {});
  expect(read).toThrow(/gcp:project is not set: pulumi config set gcp:project/);
  expect(read).toThrow(/gcp:sqlCustomEndpoint is "http:\/\/example.com\/", which would send credentials unencrypted/);
  expect(read).toThrow(/gcp:loggingCustomEndpoint is "nonsense", no address/);
});

it("takes an unencrypted endpoint of this machine only", () => {
  expect(googleSettings(withStack({ "gcp:sqlCustomEndpoint": "http://127.0.0.1:8080/" }), {}).endpoints.sql).toBe("http://127.0.0.1:8080/");
  expect(() => googleSettings(withStack({ "gcp:sqlCustomEndpoint": "http://127.0.0.1.example.com/" }), {})).toThrow(/unencrypted/);
});
