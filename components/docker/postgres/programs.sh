# Debian keeps the server's programs outside of the PATH, by version. The version of the data goes before the newest.
find_programs() {
  wanted=$(cat "$1/PG_VERSION" 2> /dev/null || true)
  for folder in /usr/lib/postgresql/*/bin; do
    [ -x "$folder/postgres" ] || continue
    newest=$folder
    [ "$folder" != "/usr/lib/postgresql/$wanted/bin" ] || break
  done
  [ -z "${newest:-}" ] || PATH=$PATH:$newest
  export PATH
}
