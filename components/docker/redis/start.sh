#!/bin/sh
# Starts Redis, or Valkey, in its container:  start.sh <certificates> <keys> <data>
config=${0%/*} tls=$1 keys=$2 data=$3
. "$config/common.sh"

server=redis
# Valkey's image also has its programs by Redis' names, and no such user.
if command -v valkey-server > /dev/null 2>&1; then server=valkey; fi
command -v "$server-server" > /dev/null 2>&1 || fail "the image has no program redis-server; is it one of Redis?"
require_user "$server" Redis
own "$data" "$server"
install_keys "$tls" "$keys" "$server"
run_as "$server" "$server-server" "$config/redis.conf"
