/** What `escapeXml` made of a text, undone. */
export function unescapeXml(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code: string) => String.fromCharCode(Number(code)));
}

/** Every element that begins ends, in order. Enough for what is rendered by us. */
export function assertWellFormed(xml: string): void {
  const open: string[] = [];
  for (const [, end, name, empty] of xml.matchAll(/<(\/?)([a-z_][\w-]*)[^<>]*?(\/?)>/gi)) {
    if (end === "/") expect(open.pop()).toBe(name);
    else if (empty !== "/") open.push(name ?? "");
  }
  expect(open).toEqual([]);
}
