#!/bin/sh
# The man pages: without warnings, with every option that a program knows and none that it doesn't.
# Usage: man.sh SOURCE BUILD
set -eu
source=$1 build=$2

fail() {
  echo "$1" >&2
  exit 1
}

# Prints the options of a --help, each with its value behind it.
options() {
  grep -oE '^  (-h, )?--[a-z].*' "$1" | sed 's/^  \(-h, \)\{0,1\}//; s/  \(--\)/\n\1/g' |
    sed 's/  .*//'
}

for page in "$build"/manual/*.1; do
  name=$(basename "$page" .1)
  program=$build/tools/$name
  help=$build/manual/$name.help
  echo "== $name"
  "$program" --help | cmp - "$help"

  # Each option of --help is in the page, and known; whether it takes a value is told as it is.
  sed 's/\\f[BIR]//g; s/\\-/-/g' "$page" > "$build/manual/$name.plain"
  options "$help" > "$build/manual/$name.options"
  [ "$(wc -l < "$build/manual/$name.options")" -ge 3 ] || fail "$name: hardly an option in --help"
  while read -r option value; do
    grep -qE -- "^(-h, )?$option( |$)" "$build/manual/$name.plain" ||
      fail "$name: $option is not in the page"
    case $option in --help | --version) continue ;; esac
    if [ "$value" ]; then
      "$program" "$option=" > "$build/manual/said" 2>&1 && fail "$name: $option= is taken"
      grep -q "option $option needs a value" "$build/manual/said" ||
        fail "$name: $option takes no value: $(cat "$build/manual/said")"
    else
      "$program" "$option" --nonsense > "$build/manual/said" 2>&1 && fail "$name takes --nonsense"
      grep -q "unknown option --nonsense" "$build/manual/said" ||
        fail "$name: $option is no option without a value: $(cat "$build/manual/said")"
    fi
  done < "$build/manual/$name.options"

  # What stands in the pages' own parts was tried when it was written: its options are still there.
  sed -n 's/^\.B \(digits.*\)/\1/p' "$source/manual/$name.man" | sed 's/\\-/-/g' |
    while read -r called rest; do
      for word in $rest; do
        case $word in
          --*) options "$build/manual/$called.help" | grep -q -- "^$word\( \|$\)" ||
            fail "manual/$name.man: $called has no $word" ;;
        esac
      done
    done

  if command -v mandoc > /dev/null; then mandoc -T lint -W warning "$page"; fi
  if command -v man > /dev/null; then
    warnings=$(LC_ALL=C.UTF-8 man --warnings -l "$page" 2>&1 > /dev/null)
    [ -z "$warnings" ] || fail "$warnings"
  fi
done

# Every option that the programs know is in their --help: those of the tables in tools/.
sed -nE 's/^ *(static .*= \{)?\{"(--)?([a-z-]+)", *(WORD|FLAG|NUMBER|OVERRIDE|SETTING|TASK|no_argument|required_argument).*/\3/p' \
  "$source"/tools/*/*.c | sort -u > "$build/manual/known"
[ "$(wc -l < "$build/manual/known")" -gt 40 ] || fail "the tables of options were not found"
while read -r option; do
  cat "$build"/manual/*.options | grep -q -- "^--$option\( \|$\)" || fail "--$option is in no --help"
done < "$build/manual/known"
