#!/bin/sh
# Colors: on a terminal alone, and not where NO_COLOR or TERM says that none are wanted.
# Usage: color.sh SOURCE BUILD
set -eu
build=$2
folder=$build/color-test
command -v script > /dev/null || { echo "skipped: no script(1), which makes a terminal"; exit 77; }
rm -rf "$folder"
mkdir -p "$folder"
run=$build/tools/digits-run
escape=$(printf '\033')
export DIGITS_DATA="$folder/set"
"$build/tools/digits-data" --data builtin --train 300 --test 20 write "$folder/set" > /dev/null
train="$run --backend cpu --epochs 1 --set data.validation=100 vanilla"

fail() {
  echo "$1" >&2
  exit 1
}

# on_terminal COMMAND [NAME=VALUE…]: what it prints on a terminal of its own.
on_terminal() {
  line=$1
  shift
  env -u NO_COLOR TERM=xterm "$@" script -qec "$line" /dev/null < /dev/null || true
}

# colored WORDS, plain WORDS: does what is read hold them behind a color, or any escape?
colored() { grep -q "$escape\[[0-9;]*m *$1" || fail "$2: not colored"; }
plain() {
  cat > "$folder/said"
  grep -q "$1" "$folder/said" || fail "$2: nothing was said"
  ! grep -q "$escape" "$folder/said" || fail "$2: escapes"
}
uncolored() { ! grep -q "$escape\[[0-9;]*m" || fail "$1: colored"; }

on_terminal "$run --nonsense" | colored digits-run: "an error on a terminal"
on_terminal "$run --nonsense" NO_COLOR= | colored digits-run: "NO_COLOR is empty"
on_terminal "$run --nonsense" NO_COLOR=1 | plain digits-run: NO_COLOR
on_terminal "$run --nonsense" TERM=dumb | plain digits-run: TERM=dumb
on_terminal "$run --nonsense 2>&1 | cat" | plain digits-run: "an error in a pipe"
for program in "$build"/manual/*.help; do
  program=$(basename "$program" .help)
  on_terminal "$build/tools/$program --nonsense" | colored "$program:" "$program's error"
done

on_terminal "$train" | colored '[0-9.]* % \*' "the best epoch"
on_terminal "$train" NO_COLOR=1 | uncolored "NO_COLOR"
on_terminal "$train" TERM=dumb | plain 'epoch  1/1' "TERM=dumb"
on_terminal "$train | cat" | plain 'epoch  1/1' "a pipe"
