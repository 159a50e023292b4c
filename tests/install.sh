#!/bin/sh
# Installs a build, moves the installed tree, and uses it as a stranger would: the programs, the
# models by name, and examples/train.c built against it by pkg-config and by find_package.
# Usage: install.sh SOURCE BUILD LIBDIR CC
set -eu
source=$1 build=$2 libdir=$3 cc=$4
folder=$build/install-test
rm -rf "$folder"
mkdir -p "$folder"
unset DIGITS_MODELS DIGITS_DATA
export OMP_WAIT_POLICY=passive # threads that wait leave the processor to other tests

fail() {
  echo "$1" >&2
  exit 1
}

cmake --install "$build" --prefix "$folder/first" > "$folder/log"
mv "$folder/first" "$folder/moved"
moved=$folder/moved
! grep -rIq "$folder/first" "$moved" || fail "the installed tree names the place it came from"

echo "== programs"
"$moved/bin/digits-run" --list-models | grep -q '^cnn .* 214538 ' || fail "no cnn in --list-models"
"$moved/bin/digits-run" --backend cpu --describe fcnn | grep -q 535818 || fail "no fcnn"

"$moved/bin/digits-data" --train 20 --test 10 write "$folder/set" > "$folder/log"
"$moved/bin/digits-data" --data "$folder/set" stats | grep -q '^all  *20  *10$' || fail "no set"
"$moved/bin/digits-report" --help | grep -q OUT || fail "no digits-report"

"$moved/bin/digits-bench" --backend cpu --measure losses --rounds 1 --seconds 0.01 vanilla |
  grep -q '^vanilla  *cpu ' || fail "nothing measured"

"$moved/bin/digits-predict" nothing "$folder/set" 2>&1 | grep -q "$moved/share/digits/weights" ||
  fail "no folder of weights"

# $1: the program. It learned something if it is right on 8000 of the 10 000 test images and more.
trains() {
  "$1" "$moved/share/digits/models/vanilla.cfg" | tee "$folder/output"
  right=$(sed -n 's/^right on \([0-9]*\) of 10000 test images$/\1/p' "$folder/output")
  [ "${right:-0}" -gt 8000 ] || fail "$1 learned nothing"
}

echo "== pkg-config"
export PKG_CONFIG_PATH="$moved/$libdir/pkgconfig"
# shellcheck disable=SC2046 # the flags are words
"$cc" -std=c11 -Wall -Wextra -Werror "$source/examples/train.c" -o "$folder/train" \
  $(pkg-config --static --cflags --libs digits)
trains "$folder/train"
unset PKG_CONFIG_PATH

echo "== find_package"
cmake -S "$source/examples" -B "$folder/examples" -DCMAKE_PREFIX_PATH="$moved" \
  -DCMAKE_C_COMPILER="$cc" > "$folder/log"
cmake --build "$folder/examples" >> "$folder/log"
trains "$folder/examples/train"
