#!/bin/sh
# Writes the King James Bible, one verse a line, to data/bible-kjv.txt: 4.1 million bytes of public-domain text from
# Debian's packages bible-kjv and bible-kjv-text. Takes the installed ones, or fetches and unpacks them without
# installing anything. Needs a Debian or Ubuntu system; an argument names another file to write.
set -eu

root="$(cd "$(dirname "$0")/../.." && pwd)"
target="${1:-$root/data/bible-kjv.txt}"
mkdir -p "$(dirname "$target")"

folder="$(mktemp -d)"
trap 'rm -rf "$folder"' EXIT

program=bible
library=/usr/lib
if ! command -v bible >/dev/null 2>&1; then
  command -v apt-get >/dev/null 2>&1 || {
    echo "bible.sh: neither the program bible nor apt-get is here; any text as $target will do" >&2
    exit 1
  }
  chmod 755 "$folder"
  (cd "$folder" && apt-get download -qq bible-kjv bible-kjv-text && for package in *.deb; do dpkg-deb -x "$package" .; done)
  program="$folder/usr/bin/bible"
  library="$folder/usr/lib"
fi

# Each line begins with its place, as in `Ge1:1 In the beginning …`.
"$program" -p "$library" -f gen1:1-rev22:21 | sed 's/^[^ ]* //' >"$folder/text"
[ "$(wc -l <"$folder/text")" -eq 31102 ] || {
  echo "bible.sh: the program bible gave $(wc -l <"$folder/text") verses instead of 31102" >&2
  exit 1
}
mv "$folder/text" "$target"
echo "wrote $target: $(wc -c <"$target") bytes"
