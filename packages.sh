#!/bin/sh
# Installs the Debian packages that digits needs: to build and run it; with the argument "test" those
# of its tests too; with "arm64" those that the preset aarch64 needs: cross-compiler, libraries and
# emulator, but no OpenCL driver (PoCL's compiler is not installable beside the machine's own). Asks
# for sudo where it isn't run as root.
set -eu
libraries="zlib1g-dev libpng-dev libjpeg62-turbo-dev libopenblas-dev libconfig-dev libjansson-dev
           libzip-dev libhdf5-dev libprotobuf-c-dev libmicrohttpd-dev ocl-icd-opencl-dev
           libclblast-dev"
driver=pocl-opencl-icd
tools="cmake gcc libc6-dev ninja-build pkg-config protobuf-c-compiler"
test="g++ libturbojpeg0-dev check libsubunit-dev oclgrind clang libclang-rt-dev mandoc zsh
      dpkg-dev file chromium chromium-driver python3 python3-selenium universal-ctags"
sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
case "${1:-}" in
  "") packages="$tools $libraries $driver" ;;
  test) packages="$tools $libraries $driver $test" ;;
  arm64)
    packages="$tools python3 universal-ctags gcc-aarch64-linux-gnu g++-aarch64-linux-gnu qemu-user-static binfmt-support"
    for package in $libraries libturbojpeg0-dev check libsubunit-dev; do packages="$packages $package:arm64"; done
    $sudo dpkg --add-architecture arm64
    ;;
  *) echo "usage: packages.sh [test | arm64]" >&2; exit 2 ;;
esac
missing=
for package in $packages; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' ||
    missing="$missing $package"
done
[ -z "$missing" ] && exit 0
$sudo apt-get update -q
# shellcheck disable=SC2086 # the packages are words
$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends $missing
