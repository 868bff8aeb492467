#!/bin/sh
# Whether the server answers:  health.sh <keys>. Without a login, which nobody needs to have for that: "who are you" is an answer.
cli=redis-cli
if command -v valkey-cli > /dev/null 2>&1; then cli=valkey-cli; fi
"$cli" --tls --cacert "$1/ca.crt" -h localhost -p 6379 PING 2>&1 | grep -q -e NOAUTH -e PONG
