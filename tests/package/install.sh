#!/bin/sh
# Installs a build, moves the installed tree, and uses it as a stranger would: the programs, the
# models by name, and the examples built against it by pkg-config and by find_package.
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

# spared FOLDER: what only trains or predicts there is linked with nothing of other programs' files.
spared() {
  for example in train predict; do
    ! readelf -d "$1/$example" | grep -E 'NEEDED.*(zip|hdf5|protobuf)' || fail "$example needs these"
  done
}

cmake --install "$build" --prefix "$folder/first" > "$folder/log"
mv "$folder/first" "$folder/moved"
moved=$folder/moved
! grep -rIq "$folder/first" "$moved" || fail "the installed tree names the place it came from"

echo "== programs"
[ -s "$moved/share/man/man1/digits-run.1" ] || fail "no man page"
[ -s "$moved/share/bash-completion/completions/digits-run" ] || fail "no completion for bash"
[ -s "$moved/share/zsh/site-functions/_digits" ] || fail "no completion for zsh"
"$moved/bin/digits-run" --list-models | grep -q '^cnn .* 214538 ' || fail "no cnn in --list-models"
"$moved/bin/digits-run" --backend cpu --describe fcnn | grep -q 535818 || fail "no fcnn"

"$moved/bin/digits-data" --train 20 --test 10 write "$folder/set" > "$folder/log"
"$moved/bin/digits-data" --data "$folder/set" stats | grep -q '^all  *20  *10$' || fail "no set"
"$moved/bin/digits-report" --help | grep -q OUT || fail "no digits-report"

"$moved/bin/digits-bench" --backend cpu --measure losses --rounds 1 --seconds 0.01 vanilla |
  grep -q '^vanilla  *cpu ' || fail "nothing measured"

"$moved/bin/digits-predict" nothing "$folder/set" 2>&1 | grep -q "$moved/share/digits/weights" ||
  fail "no folder of weights"

echo "== pkg-config"
export PKG_CONFIG_PATH="$moved/$libdir/pkgconfig"
mkdir "$folder/examples"
for example in train predict convert; do
  package=digits
  [ $example != convert ] || package=digits-exchange
  # shellcheck disable=SC2046 # the flags are words
  "$cc" -std=c11 -Wall -Wextra -Werror "$source/examples/$example.c" \
    -o "$folder/examples/$example" $(pkg-config --static --cflags --libs $package)
done
unset PKG_CONFIG_PATH
spared "$folder/examples"
"$source/tests/package/examples.sh" "$moved/share/digits" "$build" "$folder/examples"

echo "== find_package"
cmake -S "$source/examples" -B "$folder/found" -DCMAKE_PREFIX_PATH="$moved" \
  -DCMAKE_C_COMPILER="$cc" > "$folder/log"
cmake --build "$folder/found" >> "$folder/log"
"$source/tests/package/examples.sh" "$moved/share/digits" "$build" "$folder/found"
spared "$folder/found"
