#!/bin/sh
# Starts ClickHouse in its container:  start.sh <certificates> <keys> <data> <users>
config=${0%/*} tls=$1 keys=$2 data=$3 users=$4
. "$config/common.sh"

require_user clickhouse ClickHouse
# One program that is all of them, or one for each.
if command -v clickhouse-server > /dev/null 2>&1; then
  set -- clickhouse-server
elif command -v clickhouse > /dev/null 2>&1; then
  set -- clickhouse server
else
  fail "the image has no ClickHouse; is it one of clickhouse/clickhouse-server?"
fi

# From 23.8 on a user's rights are grants; before, users' files know lists of databases only (manager/src/clickhouse/dialect.ts). Very old servers do not even say their version.
said=$("$@" --version 2>&1 || true)
version=$(printf '%s\n' "$said" | sed -n 's/.*version \([0-9][0-9]*\.[0-9][0-9]*\).*/\1/p')
major=${version%%.*} minor=${version#*.}
case $version:$said in
  :*[Uu]nknown\ option*) dialect=allow-databases ;;
  :*) fail "the image's ClickHouse does not say its version: $said" ;;
  *) if [ "$major" -gt 23 ] || { [ "$major" -eq 23 ] && [ "$minor" -ge 8 ]; }; then dialect=grants; else dialect=allow-databases; fi ;;
esac

own "$data" clickhouse
# Beside the configuration the server looks for users.d, which is the folder with the users, mounted.
[ -e "$keys/users.d" ] || ln -s "$users" "$keys/users.d"
cp "$config/$dialect.config.xml" "$keys/config.xml"
cp "$config/$dialect.users.xml" "$keys/users.xml"
install_keys "$tls" "$keys" clickhouse
# Each part of a table is several open files. As many as Docker allows: a limit of our own, above that, would keep the container from starting.
ulimit -n "$(ulimit -H -n)" 2> /dev/null || true
run_as clickhouse "$@" "--config-file=$keys/config.xml"
