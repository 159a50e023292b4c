#!/bin/sh
# Installs a build, moves the installed tree, and uses it as a stranger would: the programs, the
# models by name, and the examples built against it by pkg-config and by find_package.
# Usage: install.sh SOURCE BUILD LIBDIR CC CXX
set -eu
source=$1 build=$2 libdir=$3 cc=$4 cxx=$5
folder=$build/install-test
rm -rf "$folder"
mkdir -p "$folder"
unset DIGITS_MODELS DIGITS_DATA

fail() {
  echo "$1" >&2
  exit 1
}

# spared FOLDER: what only trains or predicts there is linked with nothing of other programs' files.
spared() {
  for example in train predict; do
    ! readelf -d "$1/$example" | grep -E 'NEEDED.*(hdf5|protobuf)' || fail "$example needs these"
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

echo "== what the shared libraries export"
declared() {
  cat "$@" | "$cc" -E -P -x c -I"$moved/include" - 2>> "$folder/log" |
    tr '\n' ' ' | grep -o 'visibility("default"))) [^;{]*' | grep -oE '\bdg_[a-z0-9_]+ *\(' |
    tr -d ' (' | sort -u
}
exported() {
  nm -D --defined-only "$moved/$libdir/lib$1.so.0" | awk '$2 != "A" { print $3 }' |
    grep -v '^_\|^__' | sort -u
}
declared "$moved"/include/digits/*.h > "$folder/declared"
exported digits-exchange > "$folder/exported"
grep -qx dg_weights_convert "$folder/exported" || fail "no dg_weights_convert"
exported digits >> "$folder/exported"
sort "$folder/exported" | diff "$folder/declared" - || fail "exported is not what is declared"

# Every way: by pkg-config and by find_package, the shared libraries and the static ones.
export LD_LIBRARY_PATH="$moved/$libdir"
export PKG_CONFIG_PATH="$moved/$libdir/pkgconfig"
for kind in shared static; do
  end='' option=OFF
  [ $kind = shared ] || { end=-static option=ON; }
  echo "== pkg-config, $kind"
  mkdir "$folder/$kind"
  for example in train predict convert online memory; do
    package=digits$end compiler="$cc -std=c11" extension=c
    [ $example != convert ] || package=digits-exchange$end
    [ $example != online ] || { compiler="$cxx -std=c++17" extension=cpp; }
    # shellcheck disable=SC2046,SC2086 # the flags are words
    $compiler -Wall -Wextra -Werror "$source/examples/$example.$extension" \
      -o "$folder/$kind/$example" $(pkg-config --cflags --libs $package)
  done
  spared "$folder/$kind"
  "$source/tests/package/examples.sh" "$moved/share/digits" "$build" "$folder/$kind"

  echo "== find_package, $kind"
  cmake -S "$source/examples" -B "$folder/found-$kind" -DCMAKE_PREFIX_PATH="$moved" \
    -DCMAKE_C_COMPILER="$cc" -DCMAKE_CXX_COMPILER="$cxx" -DDIGITS_STATIC=$option > "$folder/log"
  cmake --build "$folder/found-$kind" >> "$folder/log"
  "$source/tests/package/examples.sh" "$moved/share/digits" "$build" "$folder/found-$kind"
  spared "$folder/found-$kind"
done
! readelf -d "$folder/static/train" | grep 'NEEDED.*libdigits' || fail "static is not static"
readelf -d "$folder/shared/train" | grep -q 'NEEDED.*libdigits.so.0' || fail "shared is not shared"
