# Read by the start scripts of all servers. POSIX sh, with nothing but what Debian's and Alpine's images have.
set -eu
umask 022

fail() {
  printf 'bulkhead: %s\n' "$*" >&2
  exit 1
}

# Runs a program as another user, in the place of this shell: signals from Docker have to arrive at the server itself. Hence neither su nor runuser, which
# stay in between, and kill what has not ended after two seconds.
run_as() {
  user=$1
  shift
  [ "$(id -u)" = 0 ] || exec "$@"
  for program in gosu su-exec; do
    if command -v "$program" > /dev/null 2>&1; then exec "$program" "$user" "$@"; fi
  done
  # Busybox has a setpriv that can do nothing of this.
  if setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups true > /dev/null 2>&1; then
    exec setpriv --reuid="$(id -u "$user")" --regid="$(id -g "$user")" --init-groups "$@"
  fi
  fail "the image has neither gosu nor su-exec nor setpriv, so the server cannot be started as the user $user"
}

# Copies the certificate and its key from the host's folder to one in memory, where they belong to the server's user: servers refuse a key that
# belongs to somebody else, and on the host it is closed to others.
install_keys() {
  from=$1 to=$2 owner=$3
  for file in ca.crt server.crt server.key; do
    [ -r "$from/$file" ] || fail "$file cannot be read in the folder that is mounted to $from; does Docker run with userns-remap, or share the folder with the host?"
    cp "$from/$file" "$to/$file"
    chmod 400 "$to/$file"
    [ "$(id -u)" != 0 ] || chown "$owner" "$to/$file"
  done
  chmod 500 "$to"
  [ "$(id -u)" != 0 ] || chown "$owner" "$to"
}

# Everything in a folder belongs to the server's user: a volume of another image may have other numbers.
own() {
  folder=$1 owner=$2
  mkdir -p "$folder"
  [ "$(id -u)" = 0 ] || return 0
  find "$folder" ! -user "$owner" -exec chown "$owner" {} +
}

require_user() {
  id "$1" > /dev/null 2>&1 || fail "the image has no user $1; is it one of $2?"
}
