#!/bin/bash
# Asterisk 22 into a folder of its own:  install_asterisk.sh FOLDER
#
# Debian 12 has no Asterisk; Debian's unstable suite has.  Its packages and every library that they need, libc included,
# are unpacked into FOLDER; no maintainer script runs, nothing of the machine's own is touched.  asterisk.py starts it
# with the folder's own loader.  The mirror is the one that this machine's apt already uses, and signatures are checked
# with the machine's Debian keyring.  Idempotent; about 100 MB to load and 270 MB on disk.
set -euo pipefail
folder=$1
suite=sid
packages=(asterisk asterisk-modules asterisk-config asterisk-core-sounds-en-wav)
keyring=/usr/share/keyrings/debian-archive-keyring.gpg
[ -s "$folder/.complete" ] && exit 0
[ "$(id -u)" = 0 ] || { echo "root is needed to unpack Asterisk" >&2; exit 1; }
[ -r $keyring ] || { echo "$keyring is missing: apt-get install debian-archive-keyring" >&2; exit 1; }

# The first Debian mirror in apt's sources that is no security mirror: deb822 files, then one-line files.
find_mirror() {
  local file
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -r "$file" ] || continue
    awk 'tolower($1) == "uris:" {uri = $2}
         tolower($1) == "suites:" {suites = $0}
         /^[ \t]*$/ {if (uri != "" && suites ~ /bookworm|trixie|stable|sid/ && suites !~ /security/) print uri; uri = suites = ""}
         END {if (uri != "" && suites ~ /bookworm|trixie|stable|sid/ && suites !~ /security/) print uri}' "$file"
  done
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -r "$file" ] || continue
    sed -nE 's/^deb +(\[[^]]*\] +)?([^ ]+) +(bookworm|trixie|stable|sid) .*/\2/p' "$file"
  done
}
mirror=$(find_mirror | sed -n 1p)
[ -n "$mirror" ] || { echo "no Debian mirror in apt's sources" >&2; exit 1; }

mkdir -p "$(dirname "$folder")"
work=$(mktemp -d "$(dirname "$folder")/apt.XXXXXX")
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
mkdir -p "$work"/state/lists/partial "$work"/cache/archives/partial "$work"/none
: > "$work/state/status"   # as if nothing were installed: everything that is needed is loaded
echo "deb [signed-by=$keyring] $mirror $suite main" > "$work/sources.list"
cat > "$work/apt.conf" <<CONF
Dir::State "$work/state";
Dir::State::status "$work/state/status";
Dir::Cache "$work/cache";
Dir::Etc::sourcelist "$work/sources.list";
Dir::Etc::sourceparts "$work/none";
Dir::Etc::preferencesparts "$work/none";
APT::Sandbox::User "root";
APT::Install-Recommends "false";
APT::Get::AllowUnauthenticated "false";
Acquire::Languages "none";
Acquire::Retries "3";
CONF
export APT_CONFIG="$work/apt.conf" DEBIAN_FRONTEND=noninteractive
apt-get -qq update
apt-get -qq -y --download-only install "${packages[@]}" base-files > /dev/null
unset APT_CONFIG

rm -rf "$folder"
mkdir -p "$folder"
dpkg-deb -x "$work"/cache/archives/base-files_*.deb "$folder"   # first: it makes /lib a link to usr/lib
for package in "$work"/cache/archives/*.deb; do
  case $package in */base-files_*) ;; *) dpkg-deb -x "$package" "$folder" ;; esac
done
rm -rf "$folder"/usr/share/{doc,man,locale,info,lintian}
ln -sfn en_US_f_Allison "$folder/usr/share/asterisk/sounds/en"
basename "$work"/cache/archives/asterisk_*.deb > "$folder/.complete"
