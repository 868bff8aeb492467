import { imageRepository } from "../../../components/gcp/run/image-repository";

it.each([
  ["europe-west1-docker.pkg.dev/example-project/mirror/clickhouse/clickhouse-server:25.8", { location: "europe-west1", project: "example-project", repository: "mirror" }],
  ["us-docker.pkg.dev/example.com/tools/images/x@sha256:00", { location: "us", project: "example.com:tools", repository: "images" }],
])("finds the repository of %s", (image, repository) => {
  expect(imageRepository(image)).toEqual(repository);
});

it.each(["eu.gcr.io/project/image:1", "clickhouse/clickhouse-server:25.8", "europe-west1-docker.pkg.dev/project/image-without-repository"])("knows none for %s", (image) => {
  expect(imageRepository(image)).toBeUndefined();
});
