#!/bin/sh
# Starts PostgreSQL in its container: of the official images (Debian and Alpine), or of any that has the server and a user postgres.
#   start.sh <certificates> <keys> <data> <sockets> <superuser>
config=${0%/*} tls=$1 keys=$2 data=$3 sockets=$4 superuser=$5
. "$config/common.sh"
. "$config/programs.sh"

require_user postgres PostgreSQL
find_programs "$data"
command -v postgres > /dev/null 2>&1 && command -v initdb > /dev/null 2>&1 || fail "the image has no programs postgres and initdb; is it one of PostgreSQL?"
major=$(postgres --version | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')
[ -n "$major" ] && [ "$major" -ge 15 ] || fail "the image has PostgreSQL ${major:-of an unknown version}, and 15 or newer is needed"

draft=$data/.bulkhead-initdb # initdb at work, or one that was killed
made=$data/.bulkhead-made    # all of a new data directory, on its way to its place

make_data_directory() {
  rm -rf "$draft"
  for entry in "$data"/* "$data"/.[!.]*; do
    case $entry in
      "$data/lost+found") ;;
      *) [ ! -e "$entry" ] || fail "the volume holds ${entry##*/}, and no PG_VERSION: it is no data directory of PostgreSQL, and nothing was changed in it" ;;
    esac
  done
  # Sorts the same on every machine. Before 17 it comes from the image's C library.
  if [ "$major" -ge 17 ]; then set -- --locale-provider=builtin --builtin-locale=C.UTF-8 --locale=C; else set -- --locale=C.UTF-8; fi
  (run_as postgres initdb --pgdata="$draft" --username="$superuser" --encoding=UTF8 "$@" --text-search-config=english --data-checksums --auth-local=peer --auth-host=reject --no-instructions)
  mv "$draft" "$made"
}

# PG_VERSION comes last, since with it, it is a data directory: whoever is killed before goes on here at the next start.
move_in() {
  for entry in "$made"/*; do
    [ "${entry##*/}" = PG_VERSION ] || mv "$entry" "$data/"
  done
  sync
  mv "$made/PG_VERSION" "$data/PG_VERSION"
  rmdir "$made"
}

own "$data" postgres
if [ ! -e "$data/PG_VERSION" ]; then
  [ -d "$made" ] || make_data_directory
  move_in
fi
[ ! -d "$made" ] || rmdir "$made"
chmod 700 "$data"

found=$(cat "$data/PG_VERSION")
[ "$found" = "$major" ] || fail "the volume holds data of PostgreSQL $found, and the image is PostgreSQL $major: a new major version needs an upgrade (docs/docker.md), and nothing was changed"

own "$sockets" postgres
install_keys "$tls" "$keys" postgres

# On the command line is what ALTER SYSTEM in a volume made elsewhere must not undo. No secret is among it.
set -- -D "$data" \
  -c "config_file=$config/postgresql.conf" -c "hba_file=$config/pg_hba.conf" -c "ident_file=$config/pg_ident.conf" \
  -c "listen_addresses=*" -c port=5432 -c "unix_socket_directories=$sockets" \
  -c ssl=on -c "ssl_cert_file=$keys/server.crt" -c "ssl_key_file=$keys/server.key" -c ssl_ca_file= -c ssl_crl_file= -c ssl_crl_dir= -c password_encryption=scram-sha-256 \
  -c shared_preload_libraries=pg_stat_statements
# Connections that stay free for the admin when services have taken all others, who is no superuser; before 16 there is no such thing.
[ "$major" -lt 16 ] || set -- "$@" -c reserved_connections=3
run_as postgres postgres "$@"
