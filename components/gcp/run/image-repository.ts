/** A repository of Artifact Registry. */
export interface ImageRepository {
  readonly location: string;
  readonly project: string;
  readonly repository: string;
}

/** The repository that an image is in; undefined for images that are not in Artifact Registry. Reads `europe-west1-docker.pkg.dev/project/repository/image`; a project of a domain is written `example.com/project`. */
export function imageRepository(image: string): ImageRepository | undefined {
  const found = /^(?<location>[a-z0-9-]+)-docker\.pkg\.dev\/(?<project>(?:[a-z0-9.-]+\.[a-z]+\/)?[a-z][a-z0-9-]+)\/(?<repository>[a-z][a-z0-9-]*)\//.exec(image)?.groups;
  return found === undefined ? undefined : { location: found["location"]!, project: found["project"]!.replace("/", ":"), repository: found["repository"]! };
}
