#!/bin/bash
# Brings the server's configuration up to what the instance's metadata and Secret Manager hold: before every start, and every five minutes.
# Needs curl, sed and base64 only. Keys and hashes are in memory (/run) and never on a disk.
set -euo pipefail
shopt -s inherit_errexit
umask 077

readonly run=/run/clickhouse
readonly metadata=http://metadata.google.internal/computeMetadata/v1

attribute() { curl -sSf --max-time 10 -H 'Metadata-Flavor: Google' "${metadata}/instance/attributes/$1"; }

# The token goes to curl by its standard input: arguments are seen by everybody on the machine.
secret() {
  local token
  token=$(curl -sSf --max-time 10 -H 'Metadata-Flavor: Google' "${metadata}/instance/service-accounts/default/token" | sed -n 's/.*"access_token": *"\([^"]*\)".*/\1/p')
  printf 'header = "Authorization: Bearer %s"\n' "${token}" |
    curl -sSf --max-time 20 --retry 3 --config - "https://secretmanager.googleapis.com/v1/projects/${project}/secrets/$1/versions/latest:access" |
    tr -d '\n' | sed -n 's/.*"data": *"\([^"]*\)".*/\1/p' | base64 -d
}

project=$(curl -sSf --max-time 10 -H 'Metadata-Flavor: Google' "${metadata}/project/project-id")
next=$(mktemp -d /run/clickhouse-next.XXXXXX)
trap 'rm -rf "${next}"' EXIT
mkdir -p "${run}" "${next}/config.d" "${next}/users.d" "${next}/tls"

attribute clickhouse-server-config > "${next}/config.d/bulkhead.xml"
attribute clickhouse-databases > "${next}/config.d/databases.xml"
attribute clickhouse-users > "${next}/users.d/bulkhead.xml"
attribute clickhouse-image > "${next}/image"

secret "$(attribute clickhouse-tls-secret)" > "${next}/tls/server.pem"
grep -q 'BEGIN CERTIFICATE' "${next}/tls/server.pem" && grep -q 'PRIVATE KEY' "${next}/tls/server.pem" || { echo 'the TLS secret holds no key with its certificate' >&2; exit 1; }

attribute clickhouse-hashes | while read -r user id; do
  hash=$(secret "${id}")
  [[ "${user}" =~ ^[a-z][a-z0-9_]*$ && "${hash}" =~ ^[0-9a-f]{64}$ ]] || { echo "the secret ${id} holds no SHA-256 in hexadecimal digits" >&2; exit 1; }
  printf '<clickhouse><users><%s><password_sha256_hex>%s</password_sha256_hex></%s></users></clickhouse>\n' "${user}" "${hash}" "${user}" > "${next}/users.d/password-${user}.xml"
done

# 101 is the user `clickhouse` of the image.
chown -R 101:101 "${next}"
# The container has these folders mounted: files are exchanged one by one within them, never the folder, and only those that differ. Users, passwords and
# certificates the server reads again by itself when their files change.
for folder in config.d users.d tls; do
  install -d -o 101 -g 101 -m 700 "${run}/${folder}"
  for file in "${run}/${folder}"/*; do
    [[ ! -e "${file}" || -e "${next}/${folder}/${file##*/}" ]] || rm -f "${file}"
  done
  for file in "${next}/${folder}"/*; do
    kept="${run}/${folder}/${file##*/}"
    [[ -e "${kept}" && "$(< "${kept}")" == "$(< "${file}")" ]] || mv -f "${file}" "${kept}"
  done
done
mv -f "${next}/image" "${run}/image"

# A disk that grew under the running server.
[[ "${1:-}" == start ]] || resize2fs /dev/disk/by-id/google-clickhouse-data > /dev/null 2>&1 || true

# The rest of the configuration holds from a start on.
state=$(cat "${run}/image" "${run}"/config.d/*.xml | sha256sum)
if [[ "${1:-}" == start ]]; then
  echo "${state}" > "${run}/started"
elif [[ "${state}" != "$(cat "${run}/started" 2> /dev/null || true)" ]]; then
  systemctl restart --no-block clickhouse.service
fi
