#!/bin/sh
# Installs the Debian packages that digits needs: to build and run it, and with the argument
# "test" those of its tests too. Asks for sudo where it isn't run as root.
set -eu
run="cmake gcc libc6-dev ninja-build pkg-config
     zlib1g-dev libpng-dev libjpeg62-turbo-dev libopenblas-dev libconfig-dev libjansson-dev
     libzip-dev libhdf5-dev libprotobuf-c-dev protobuf-c-compiler libmicrohttpd-dev
     ocl-icd-opencl-dev libclblast-dev pocl-opencl-icd"
test="g++ libturbojpeg0-dev check libsubunit-dev oclgrind clang libclang-rt-dev mandoc zsh
      dpkg-dev file chromium chromium-driver python3 python3-selenium universal-ctags"
packages=$run
[ "${1:-}" = test ] && packages="$packages $test"
missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
[ -z "$missing" ] && exit 0
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
$sudo apt-get update -q
# shellcheck disable=SC2086 # the packages are words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing
