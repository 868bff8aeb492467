/** An answer of Redis in version 2 of its protocol. */
export type Reply = string | number | null | RedisReplyError | readonly Reply[];

/** An error that Redis answered with. Without the command, unlike the drivers' own: its arguments may be a password. */
export class RedisReplyError extends Error {
  override readonly name = "ReplyError";
}

/** Whether it is the ACL that refuses: the command, the key or the channel. Inside of scripts 7.0 and 7.2 have words of their own for it. */
export function isRefusal({ message }: RedisReplyError): boolean {
  return /^(?:NOPERM |ERR The user executing the script can't |(?:ERR )?ACL failure in script)/.test(message);
}

/** A command as bytes. */
export function encodeCommand(parts: readonly string[]): Buffer {
  const pieces = parts.map((part) => `$${Buffer.byteLength(part)}\r\n${part}\r\n`);
  return Buffer.from(`*${parts.length}\r\n${pieces.join("")}`);
}

/** One answer at the beginning of `bytes`, and how many bytes it takes; undefined where it is not whole yet. Throws a TypeError where it is no answer of Redis. */
export function decodeReply(bytes: Buffer, offset = 0, depth = DEPTH_MAX): { readonly reply: Reply; readonly end: number } | undefined {
  const lineEnd = bytes.indexOf("\r\n", offset);
  // Judged before its line is whole: what is no Redis may never send an end of line.
  if (offset < bytes.length && !"+-:$*".includes(String.fromCharCode(bytes[offset]!))) throw new TypeError("what answers is no Redis");
  if (lineEnd === -1) return undefined;
  const text = bytes.toString("utf8", offset + 1, lineEnd);
  const end = lineEnd + 2;
  switch (String.fromCharCode(bytes[offset]!)) {
    case "+":
      return { reply: text, end };
    case "-":
      return { reply: new RedisReplyError(text), end };
    case ":":
      return { reply: wholeNumber(text), end };
    case "$":
      return decodeText(bytes, wholeNumber(text), end);
    default:
      return decodeList(bytes, wholeNumber(text), end, depth);
  }
}

const DEPTH_MAX = 8;

function decodeText(bytes: Buffer, length: number, start: number): { reply: Reply; end: number } | undefined {
  if (length === -1) return { reply: null, end: start };
  const end = start + length + 2;
  return end > bytes.length ? undefined : { reply: bytes.toString("utf8", start, start + length), end };
}

function decodeList(bytes: Buffer, count: number, start: number, depth: number): { reply: Reply; end: number } | undefined {
  if (count === -1) return { reply: null, end: start };
  if (depth === 0) throw new TypeError("what answers is no Redis: its answer is nested too deep");
  const replies: Reply[] = [];
  let end = start;
  for (let index = 0; index < count; index += 1) {
    const item = decodeReply(bytes, end, depth - 1);
    if (item === undefined) return undefined;
    replies.push(item.reply);
    end = item.end;
  }
  return { reply: replies, end };
}

function wholeNumber(text: string): number {
  if (!/^-?\d{1,16}$/.test(text)) throw new TypeError("what answers is no Redis: a length is no number");
  return Number(text);
}
