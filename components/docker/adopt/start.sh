#!/bin/sh
# Starts PostgreSQL for an adoption, on data that somebody else has made:  start.sh <keys> <data>
config=${0%/*} keys=$1 data=$2
. "$config/common.sh"
. "$config/programs.sh"

require_user postgres PostgreSQL
find_programs "$data"
command -v postgres > /dev/null 2>&1 || fail "the image has no program postgres; is it one of PostgreSQL?"
[ -e "$data/PG_VERSION" ] || fail "the volume holds no data of PostgreSQL, and nothing was changed in it"
major=$(postgres --version | sed -n 's/^[^0-9]*\([0-9][0-9]*\).*/\1/p')
found=$(cat "$data/PG_VERSION")
[ "$found" = "$major" ] || fail "the volume holds data of PostgreSQL $found, and the image is PostgreSQL $major; nothing was changed in it"

own "$data" postgres
chmod 700 "$data"
install_keys "$config" "$keys" postgres

# On the command line is what ALTER SYSTEM in the volume must not undo.
set -- -D "$data" \
  -c "config_file=$config/postgresql.conf" -c "hba_file=$config/pg_hba.conf" -c "ident_file=$config/pg_ident.conf" \
  -c "listen_addresses=*" -c port=5432 -c unix_socket_directories= \
  -c ssl=on -c "ssl_cert_file=$keys/server.crt" -c "ssl_key_file=$keys/server.key" -c "ssl_ca_file=$keys/ca.crt" -c ssl_crl_file= -c ssl_crl_dir= \
  -c shared_preload_libraries=pg_stat_statements -c session_preload_libraries= -c local_preload_libraries= \
  -c archive_mode=off -c max_prepared_transactions=100 -c max_replication_slots=100 -c wal_level=logical \
  -c max_logical_replication_workers=0 -c autovacuum=off -c default_transaction_read_only=off -c superuser_reserved_connections=3
# One that goes off at a login would do so before anything can be said against it.
[ "$major" -lt 17 ] || set -- "$@" -c event_triggers=off
run_as postgres postgres "$@"
