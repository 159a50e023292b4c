#!/usr/bin/env bash
# Completion of command lines: bash is asked what it offers; zsh too, where there is one.
# Usage: completion.sh SOURCE BUILD
set -eu
source=$1 build=$2
unset DIGITS_MODELS DIGITS_WEIGHTS
cd "$source"
PATH=$build/tools:$PATH
# shellcheck source=/dev/null
. "$build/manual/completion.bash"

failed=0
# offers WANTED WORDS…: what is offered for the last word, sorted, on one line.
offers() {
  local wanted=$1 function
  shift
  function=$(complete -p "${1##*/}" | sed -n 's/.* -F \([^ ]*\) .*/\1/p')
  COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
  "$function" "$1" "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
  [[ ${COMPREPLY[*]} == "$wanted" ]] && return
  echo "$*: offered \"${COMPREPLY[*]}\", not \"$wanted\"" >&2
  failed=1
}

offers '--backend --batch' digits-run --b
offers '--version' digits-report --v
offers 'cpu opencl' digits-run --backend ''
offers 'opencl' digits-run --backend = o
offers 'cpu opencl' digits-run --backend =
offers 'cpu,opencl' digits-bench --backend cpu,o
offers 'train,latency train,losses' digits-bench --measure train,l
offers '' digits-run --epochs ''
offers 'cnn cnn-leaky' digits-run cn
offers 'gru' digits-run --quiet --epochs 3 --backend = cpu gr
offers 'cnn cnn-leaky' "$build/tools/digits-run" cn
offers 'models/cnn-leaky.cfg models/cnn.cfg' digits-run models/cn
offers 'models/README.md' digits-run --log models/R
offers 'builtin' digits-run --data built
offers 'gru' digits-bench cnn lstm gr
offers 'stats' digits-data st
offers 'models' digits-data --gzip write mod
offers 'test train' digits-data --part t
offers 'hdf5' digits-convert --from h
offers 'models/m3.cfg' digits-convert --model models/m3
offers 'README.md' digits-convert in.npz REA
offers 'cnn cnn-leaky' digits-predict cn
offers 'README.md' digits-predict cnn REA
offers 'gru' digits-serve cnn gr
offers 'cnn cnn-leaky' digits-infer cn
offers 'README.md' digits-infer cnn REA
offers 'probabilities' digits-infer --output p
mkdir -p "$build/completion-test"
cp models/cnn.cfg "$build/completion-test/mine.cfg"
DIGITS_MODELS=$build/completion-test offers 'mine' digits-run mi

# Whatever --help lists is offered.
for help in "$build"/manual/*.help; do
  program=$(basename "$help" .help)
  for option in $(grep -oE '^  (-h, )?--[a-z-]+' "$help" | grep -oE -- '--[a-z-]+'); do
    COMP_WORDS=("$program" "$option") COMP_CWORD=1 COMPREPLY=()
    _digits "$program"
    case " ${COMPREPLY[*]} " in
      *" $option "*) ;;
      *) echo "$program: $option is not offered" >&2; failed=1 ;;
    esac
  done
done

if command -v zsh > /dev/null; then
  zsh -f "$source/tests/package/completion.zsh" "$build" || failed=1
else
  echo "no zsh here: its completion was not tried"
fi
exit $failed
