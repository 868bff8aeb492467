import { decodeReply, encodeCommand, isRefusal, RedisReplyError } from "../../../manager/src/redis/resp";
import type { Reply } from "../../../manager/src/redis/resp";
import fc from "../../support/fast-check";

const line = fc.string({ unit: "grapheme" }).map((text) => text.replace(/[\r\n]/g, ""));
const { reply } = fc.letrec<{ reply: Reply; list: Reply }>((tie) => ({
  reply: fc.oneof({ maxDepth: 4 }, line.map((text) => new RedisReplyError(text)), fc.integer(), fc.constant(null), fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()), tie("list")),
  list: fc.array(tie("reply"), { maxLength: 4 }),
}));

function encode(value: Reply): string {
  if (value === null) return "$-1\r\n";
  if (typeof value === "number") return `:${value}\r\n`;
  if (typeof value === "string") return `$${Buffer.byteLength(value)}\r\n${value}\r\n`;
  if (value instanceof RedisReplyError) return `-${value.message}\r\n`;
  return `*${value.length}\r\n${value.map(encode).join("")}`;
}

it("an answer is read whole, and no byte of the next one", () => {
  fc.assert(
    fc.property(reply, reply, (first, second) => {
      const bytes = Buffer.from(encode(first) + encode(second));
      const one = decodeReply(bytes)!;
      expect(one.reply).toEqual(first);
      expect(decodeReply(bytes.subarray(one.end))).toEqual({ reply: second, end: bytes.length - one.end });
    }),
  );
});

it("as long as it is not whole it is waited for, wherever it was cut", () => {
  fc.assert(
    fc.property(reply, fc.nat(), (value, cut) => {
      const bytes = Buffer.from(encode(value));
      expect(decodeReply(bytes.subarray(0, cut % bytes.length))).toBeUndefined();
    }),
  );
});

it("a command is an array of texts by their bytes, whatever is in them", () => {
  fc.assert(fc.property(fc.array(fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()), { minLength: 1 }), (parts) => expect(decodeReply(encodeCommand(parts))!.reply).toEqual(parts)));
});

it("anything is an answer, or not yet one, or none; nothing else happens", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), fc.constantFrom("", "*", "$", ":", "*1\r\n"), (bytes, start) => {
      try {
        decodeReply(Buffer.concat([Buffer.from(start), bytes]));
      } catch (error) {
        expect(error).toBeInstanceOf(TypeError);
      }
    }),
  );
});

it.each(["HTTP/1.1 400 Bad Request\r\n", "SSH-2.0-OpenSSH", "$x\r\n", `${"*1\r\n".repeat(50)}:1\r\n`])("what is no Redis is known by its first bytes: %j", (text) => {
  expect(() => decodeReply(Buffer.from(text))).toThrow("no Redis");
});

it.each<[string, boolean]>([
  ["NOPERM this user has no permissions to run the 'keys' command", true],
  ["NOPERM User a has no permissions to access the 'b' key", true],
  ["ERR The user executing the script can't access at least one of the keys mentioned in the command arguments script: 0, on @user_script:1.", true],
  ["ERR The user executing the script can't run this command or subcommand script: 0, on @user_script:1.", true],
  ["ERR ACL failure in script: User a has no permissions to run the 'keys' command", true],
  ["OOM command not allowed when used memory > 'maxmemory'.", false],
  ["NOAUTH Authentication required.", false],
  ["LOADING Redis is loading the dataset in memory", false],
  ["ERR unknown command 'KEYS', with args beginning with: 'NOPERM'", false],
  ["ERR syntax error", false],
])("only the ACL's own words are a refusal: %s", (message, refused) => {
  expect(isRefusal(new RedisReplyError(message))).toBe(refused);
});
