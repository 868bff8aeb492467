#!/bin/sh
# Starts Redis in its container:  start.sh <certificates> <keys> <data>
config=${0%/*} tls=$1 keys=$2 data=$3
. "$config/common.sh"

require_user redis Redis
command -v redis-server > /dev/null 2>&1 || fail "the image has no program redis-server; is it one of Redis?"
own "$data" redis
install_keys "$tls" "$keys" redis
run_as redis redis-server "$config/redis.conf"
