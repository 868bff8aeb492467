/** Bends the arguments of one child resource: values that replace the defaults, or a function that returns the arguments to use. */
export type Transform<Args extends object> = Partial<Args> | ((args: Args) => Args);

/** The arguments of a child after the user's transform, if there is one. */
export function applyTransform<Args extends object>(args: Args, transform: Transform<Args> | undefined): Args {
  if (transform === undefined) return args;
  return typeof transform === "function" ? transform(args) : { ...args, ...transform };
}
