/**
 * The values that a property's comment says are the only ones. The generated comments have one sentence for it; other wordings ("for
 * example", "such as") name some values and not all of them.
 *
 * @returns undefined where the comment has no such sentence
 */
export function allowedValues(comment: string): string[] | undefined {
  const list = /Possible values(?: are)?: ((?:`[^`]*`(?:, )?)+)\./.exec(comment)?.[1];
  return list?.match(/`[^`]*`/g)?.map((value) => value.slice(1, -1));
}
