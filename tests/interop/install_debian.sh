#!/bin/bash
# Install Debian packages that are missing, without starting their services.  Root.  Idempotent.
#     install_debian.sh PACKAGE...
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
missing=()
for package in "$@"; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
  printf '#!/bin/sh\nexit 101\n' > $policy
  chmod 755 $policy
  trap 'rm -f $policy' EXIT
fi
apt-get -qq update
apt-get -qq -y --no-install-recommends -o Dpkg::Use-Pty=0 install "${missing[@]}" > /dev/null
