#!/bin/sh
# Whether the server takes sessions:  health.sh <data> <sockets> <superuser>
. "${0%/*}/common.sh"
. "${0%/*}/programs.sh"
find_programs "$1"
# As one who may log in: the server notes everybody else in its log, each time.
run_as postgres pg_isready --quiet --host="$2" --port=5432 --username="$3" --dbname=postgres --timeout=3
