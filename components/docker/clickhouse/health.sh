#!/bin/sh
# Whether the server listens: its interface takes HTTPS only, and images have nothing in common that speaks it. In hexadecimal digits 8443 is 20FB, and 0A means listening.
cat /proc/net/tcp /proc/net/tcp6 2> /dev/null | grep -q -i ':20FB 0*:0000 0A'
