#!/bin/bash
# Every command of docs/first-steps.md, in its order, in a copy of the source without any build.
# Usage: first_steps.sh SOURCE BUILD
set -eu
source=$1 build=$2 folder=$2/first-steps
rm -rf "$folder"
mkdir -p "$folder/source" "$folder/refused"
unset DIGITS_MODELS DIGITS_DATA

# The source as a stranger gets it: what git would hold, or all but builds.
if git -C "$source" rev-parse --is-inside-work-tree > /dev/null 2>&1; then
  (cd "$source" && git ls-files -co --exclude-standard -z |
    tar -c --null --ignore-failed-read -T - 2> /dev/null) | tar -x -C "$folder/source"
else
  tar -C "$source" --exclude='./build*' -c . | tar -x -C "$folder/source"
fi

# A test installs no packages: where some are missing, it is skipped.
for program in apt-get sudo; do
  printf '#!/bin/sh\necho "skipped: packages are missing"\nexit 77\n' > "$folder/refused/$program"
  chmod +x "$folder/refused/$program"
done

# The sh blocks as one script, which stops at the first command that fails.
awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' "$source/docs/first-steps.md" \
  > "$folder/commands"
[ "$(grep -c digits- "$folder/commands")" -ge 10 ] || { echo "hardly a command" >&2; exit 1; }
cd "$folder/source"
PATH=$folder/refused:$PATH bash -ex "$folder/commands" || exit $?

# What the page promises lies there.
for file in digits.png vanilla/index.html vanilla.safetensors mine/index.html more/index.html \
  compared/index.html; do
  [ -s "first/$file" ] || { echo "first/$file is missing" >&2; exit 1; }
done
rm -rf "$folder/source/build"
