#!/bin/sh
# The examples of the C libraries, as the build made them or, with FOLDER, as they lie there: one
# trains and saves, another reads digits with what was saved, the third makes .npz of it and back.
# Usage: examples.sh SOURCE BUILD [FOLDER]
set -eu
source=$1 build=$2 examples=${3:-$2/examples}
folder=$examples-test
rm -rf "$folder"
mkdir -p "$folder"

fail() {
  echo "$1" >&2
  exit 1
}

# right LEAST: of what predict printed, so many images at least were read right.
right() {
  cat "$folder/output"
  [ "$(wc -l < "$folder/output")" = 20 ] || fail "not 20 images"
  right=$(grep -cE 'is a ([0-9]), read as \1$' "$folder/output" || true)
  [ "$right" -ge "$1" ] || fail "$right of 20 digits were read right"
}

echo "== train"
"$examples/train" "$source/models/vanilla.cfg" "$folder/vanilla.safetensors" > "$folder/output"
cat "$folder/output"
learned=$(sed -n 's/^right on \([0-9]*\) of 10000 test images$/\1/p' "$folder/output")
[ "${learned:-0}" -gt 8000 ] || fail "train learned nothing"

echo "== predict: digits that it draws"
"$examples/predict" "$folder/vanilla.safetensors" > "$folder/output"
right 14

echo "== predict: a folder"
"$build/tools/digits-data" --data builtin --seed 3 --train 1 --test 50 write "$folder/set" > "$folder/log"
"$examples/predict" "$folder/vanilla.safetensors" "$folder/set" > "$folder/output"
right 14

echo "== online"
"$examples/online" "$source/models/vanilla.cfg" "$folder/online.safetensors" > "$folder/output"
cat "$folder/output"
read=$(grep -cE 'is a ([0-9]), read as \1$' "$folder/output" || true)
[ "$read" -ge 14 ] || fail "$read of 20 digits were read right"
grep -q '^layer fc1: [0-9]* of 2000 activations are above 0$' "$folder/output" || fail "no activations"

echo "== memory"
"$examples/memory" "$source/models/vanilla.cfg" > "$folder/output"
cat "$folder/output"
right=$(sed -n 's/^right on \([0-9]*\) of 200 pictures, the last tenth of all$/\1/p' "$folder/output")
[ "${right:-0}" -ge 180 ] || fail "$right of 200 pictures are right"

echo "== convert"
if "$examples/convert" "$folder/vanilla.safetensors" "$folder/vanilla.npz" > "$folder/output" 2>&1; then
  "$examples/convert" "$folder/vanilla.npz" "$folder/again.safetensors" > "$folder/output"
  grep -q '^fc1\.weight <- fc1\.weight ' "$folder/output" || fail "convert doesn't say what it mapped"
  cmp "$folder/vanilla.safetensors" "$folder/again.safetensors" || fail "convert changed the weights"
else
  grep -q 'built without libzip' "$folder/output" || fail "convert failed"
fi

echo "== errors"
! "$examples/train" nothing.cfg 2> "$folder/output" || fail "train takes any model"
grep -q '^train: .*nothing' "$folder/output" || fail "train doesn't say what is missing"
! "$examples/predict" "$folder/none" 2> "$folder/output" || fail "predict takes any file"
grep -q '^predict: .*none' "$folder/output" || fail "predict doesn't say what is missing"
! "$examples/predict" "$folder/vanilla.safetensors" "$folder" 2> "$folder/output" ||
  fail "predict takes any folder"
grep -qF "predict: $folder" "$folder/output" || fail "predict doesn't say which folder"
! "$examples/convert" "$folder/none" "$folder/none.npz" 2> "$folder/output" ||
  fail "convert takes any file"
grep -q '^convert: .*none' "$folder/output" || fail "convert doesn't say what is missing"
