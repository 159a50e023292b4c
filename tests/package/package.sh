#!/bin/sh
# The Debian packages: what they say and hold, and that they install and go without a trace.
# Usage: package.sh SOURCE BUILD
set -eu
build=$2 folder=$2/package-test
for program in dpkg dpkg-deb dpkg-shlibdeps file; do
  command -v $program > /dev/null || { echo "skipped: no $program"; exit 77; }
done
unset DIGITS_MODELS DIGITS_DATA
rm -rf "$folder"
mkdir -p "$folder/root"

fail() {
  echo "$1" >&2
  exit 1
}

cd "$folder"
cpack --config "$build/CPackConfig.cmake" -B "$folder" > log || { cat log; exit 1; }
digits=$(echo "$folder"/digits_*.deb) data=$(echo "$folder"/digits-data_*_all.deb)
library=$(echo "$folder"/libdigits0_*.deb) development=$(echo "$folder"/libdigits-dev_*.deb)
all="$digits $data $library $development"

echo "== what they say"
for field in 'Section: science' 'Depends: .*libc6 .*libconfig9' 'Maintainer: .*@' \
  'Recommends: pocl-opencl-icd' 'Description: .*networks'; do
  dpkg-deb -f "$digits" | grep -q "^$field" || fail "digits: no $field"
done
dpkg-deb -f "$digits" Depends | grep -q 'digits-data (= ' || fail "digits: needs no digits-data"
dpkg-deb -f "$development" | grep -q '^Section: libdevel' || fail "libdigits-dev: no section"
dpkg-deb -f "$development" Depends | grep -q 'libdigits0 (= .*zlib1g-dev, libopenblas-dev' ||
  fail "libdigits-dev: no dependencies"
dpkg-deb -f "$library" | grep -q '^Section: libs' || fail "libdigits0: no section"
dpkg-deb -f "$library" Depends | grep -q 'libopenblas0' || fail "libdigits0: no dependencies"

echo "== what they hold"
dpkg-deb -c "$digits" > held
for help in "$build"/manual/*.help; do
  program=$(basename "$help" .help)
  for path in "bin/$program" "share/man/man1/$program.1.gz" \
    "share/bash-completion/completions/$program"; do
    grep -q " ./usr/$path\( -> digits\)\{0,1\}$" held || fail "no $path"
  done
done
for path in share/doc/digits/README.md share/doc/digits/copyright share/doc/digits/changelog.gz \
  share/bash-completion/completions/digits; do
  grep -q " ./usr/$path$" held || fail "no $path"
done
grep -q ' ./usr/share/zsh/.*/_digits$' held || fail "no completion for zsh"
awk '$2 != "root/root"' held | grep . && fail "not root's"
awk '{ print $6 }' held | grep -v '^\./\(usr/.*\)\{0,1\}$' && fail "beside /usr"
! grep -q '/include/\|\.a$\|\.so' held || fail "digits holds what other packages should"
dpkg-deb -c "$data" > held
for path in share/digits/models/cnn.cfg share/digits/weights/cnn.safetensors; do
  grep -q " ./usr/$path$" held || fail "digits-data: no $path"
done
dpkg-deb -c "$library" > held
for name in digits digits-exchange; do
  grep -q " ./usr/lib.*/lib$name\.so\.0 -> lib$name\.so\.0\." held || fail "libdigits0: no lib$name.so.0"
done
! grep -q '/include/\|\.a$\|\.so -> ' held || fail "libdigits0 holds what libdigits-dev should"
dpkg-deb -c "$development" > held
for path in 'lib.*/libdigits\.so -> libdigits\.so\.0' 'lib.*/pkgconfig/digits-static\.pc'  'include/digits/digits\.h' 'lib.*/libdigits\.a' 'lib.*/libdigits-exchange\.a' \
  'lib.*/pkgconfig/digits\.pc' 'lib.*/pkgconfig/digits-exchange\.pc'; do
  grep -q " ./usr/$path$" held || fail "libdigits-dev: no $path"
done

echo "== lintian"
if command -v lintian > /dev/null; then
  # Only the preset "package" lays out libraries by architecture.
  # shellcheck disable=SC2086 # paths without blanks
  lintian --allow-root --fail-on error --suppress-tags pkg-config-multi-arch-wrong-dir $all > log 2>&1 || { cat log; exit 1; }
else
  echo "skipped: no lintian"
fi

# install: the packages, into a folder as its own system. Only root can have dpkg do that.
install() {
  if [ "$(id -u)" = 0 ]; then
    # shellcheck disable=SC2086 # paths without blanks
    dpkg --root="$root" --force-depends,unsafe-io,script-chrootless -i $all > log 2>&1 || { cat log; exit 1; }
  else
    for package in $all; do dpkg -x "$package" "$root"; done
  fi
  "$root/usr/bin/digits-run" --list-models | grep -q '^cnn .* 214538 ' || fail "no cnn"
  "$root/usr/bin/digits-run" --backend cpu --describe fcnn | grep -q 535818 || fail "no fcnn"
}

remove() {
  dpkg --root="$root" --force-depends,script-chrootless --purge digits digits-data libdigits0 libdigits-dev > log 2>&1 ||
    { cat log; exit 1; }
  [ ! -e "$root/usr" ] || fail "left behind: $(find "$root/usr" | head)"
}

root=$folder/root
mkdir -p "$root/var/lib/dpkg/info" "$root/var/lib/dpkg/updates"
: > "$root/var/lib/dpkg/status"
echo "== installed"
install
[ "$(id -u)" = 0 ] || exit 0
echo "== removed"
remove
echo "== installed and removed again"
install
remove
