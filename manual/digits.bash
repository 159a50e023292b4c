# Completes the command lines of the programs whose tables stand above. `options` and `kinds` are
# what a table gives: options, and what may stand for a value, in words: small letters for
# themselves, capitals for what they name.

# Prints what is offered for a kind; $1 is what was typed of it, $2 the kind, $3 digits-run as it is
# called.
_digits_offer() {
  local program folder file
  case $2 in
    DIR | FOLDER) compgen -d -- "$1" ;;
    FILE | FILE.* | INPUT | OUTPUT | OUT | RUN | PICTURE) compgen -f -- "$1" ;;
    MODEL)
      compgen -f -X '!*.cfg' -- "$1"
      compgen -d -- "$1"
      compgen -W "$("$3" --list-models 2> /dev/null | cut -d ' ' -f 1)" -- "$1"
      ;;
    WEIGHTS)
      compgen -f -X '!*.safetensors' -- "$1"
      compgen -d -- "$1"
      program=$(type -P "$3")
      folder=${DIGITS_WEIGHTS:-${program%/*}/../share/digits/weights}
      for file in "$folder"/*.safetensors; do
        [ -e "$file" ] && compgen -W "$(basename "$file" .safetensors)" -- "$1"
      done
      ;;
    [[:upper:]]* | ,) ;;
    *) compgen -W "$2" -- "$1" ;;
  esac
}

# Counts in `place` which of the words that are no options the current one is.
_digits_place() {
  local i word
  place=1
  for ((i = 1; i < COMP_CWORD; i++)); do
    word=${COMP_WORDS[i]}
    case $word in
      = | --*) ;;
      *)
        [[ ${COMP_WORDS[i - 1]} == = ]] && continue
        if [[ ${COMP_WORDS[i - 1]} == --* ]]; then
          "$1" "${COMP_WORDS[i - 1]}"
          [[ $kinds ]] && continue
        fi
        place=$((place + 1))
        ;;
    esac
  done
}

_digits() {
  local table=_digits_takes_${1##*digits-} current=${COMP_WORDS[COMP_CWORD]}
  local before=${COMP_WORDS[COMP_CWORD - 1]} options kinds= place kind start= word
  [[ $current == = ]] && current=
  [[ $before == = ]] && before=${COMP_WORDS[COMP_CWORD - 2]}
  COMPREPLY=()
  if [[ $before == --* ]]; then "$table" "$before"; fi
  if [[ -z $kinds ]]; then
    if [[ $current == -* ]]; then
      "$table" ''
      mapfile -t COMPREPLY < <(compgen -W "$options" -- "$current")
      return
    fi
    _digits_place "$table"
    "$table" "$place"
  fi
  # A list with commas: what stands before the last one stays.
  if [[ $kinds == *' ,' && $current == *,* ]]; then
    start=${current%,*},
    current=${current##*,}
  fi
  if [[ $kinds =~ (DIR|FOLDER|FILE|INPUT|OUTPUT|OUT|RUN|PICTURE|MODEL|WEIGHTS) ]]; then
    compopt -o filenames 2> /dev/null || : # outside of a completion it fails
  fi
  while IFS= read -r word; do COMPREPLY+=("$start$word"); done < <(
    for kind in $kinds; do
      _digits_offer "$current" "$kind" "${1%digits-*}digits-run" || :
    done | sort -u
  )
}

