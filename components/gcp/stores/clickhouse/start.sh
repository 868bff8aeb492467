#!/bin/bash
# Starts the server in a container: disk, firewall of the machine, configuration, image. Fails, and is tried again by systemd, as long as something is missing:
# in a new stack the setup writes the secrets after this machine is there.
set -euo pipefail

readonly disk=/dev/disk/by-id/google-clickhouse-data
readonly data=/mnt/disks/clickhouse

# A disk without any file system is new; one with another is somebody's data, and is left alone: the mount below fails.
if [[ -z "$(blkid -o value -s TYPE "${disk}" || true)" && -z "$(blkid -p -o value -s PTTYPE "${disk}" || true)" ]]; then
  mkfs.ext4 -q -m 0 -E lazy_itable_init=0,lazy_journal_init=0 "${disk}"
fi
mkdir -p "${data}"
mountpoint -q "${data}" || { fsck.ext4 -p "${disk}" || [[ $? -le 1 ]]; mount -t ext4 -o discard,nodev,nosuid,noexec "${disk}" "${data}"; }
# The disk may have grown.
resize2fs "${disk}" > /dev/null 2>&1
chown 101:101 "${data}"

# Container-Optimized OS lets in SSH only.
iptables -w -C INPUT -p tcp -m multiport --dports "${PORTS}" -j ACCEPT 2> /dev/null || iptables -w -A INPUT -p tcp -m multiport --dports "${PORTS}" -j ACCEPT

/bin/bash "${0%/*}/refresh.sh" start
image=$(< /run/clickhouse/image)

# Artifact Registry asks for the machine's account; other registries are asked without a login.
export HOME=/run/clickhouse-home
mkdir -p "${HOME}"
case "${image%%/*}" in *-docker.pkg.dev) docker-credential-gcr configure-docker --registries="${image%%/*}" > /dev/null ;; esac
docker pull -q "${image}"
docker rm -f clickhouse > /dev/null 2>&1 || true

# Not by the image's own entry script, which makes users from variables.
exec docker run --name clickhouse --rm --network host --user 101:101 --read-only --tmpfs /tmp --tmpfs /var/log/clickhouse-server:uid=101,gid=101 \
  --cap-drop ALL --security-opt no-new-privileges --ulimit nofile=262144:262144 \
  --volume "${data}:/var/lib/clickhouse" --tmpfs /var/lib/clickhouse/preprocessed_configs:uid=101,gid=101,mode=700 \
  --volume /run/clickhouse/config.d:/etc/clickhouse-server/config.d:ro \
  --volume /run/clickhouse/users.d:/etc/clickhouse-server/users.d:ro \
  --volume /run/clickhouse/tls:/etc/clickhouse-server/tls:ro \
  --entrypoint /usr/bin/clickhouse "${image}" server --config-file=/etc/clickhouse-server/config.xml
