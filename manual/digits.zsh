# Completes the command lines of the programs whose tables stand above.

# Offers what may stand for a value, in words: small letters for themselves, capitals for what they
# name.
_digits_values() {
  local -a words extra
  local kind result=1
  extra=()
  while [[ $1 == -* ]]; do # what _arguments hands on to compadd
    [[ $1 == -[XJVMFPSrR] ]] && extra+=("$1" "$2") && shift 2 && continue
    extra+=("$1")
    shift
  done
  for kind; do
    case $kind in
      DIR | FOLDER) _files -/ && result=0 ;;
      FILE | FILE.* | INPUT | OUTPUT | OUT | RUN | PICTURE) _files && result=0 ;;
      MODEL)
        words=(${${(f)"$(_call_program models digits-run --list-models 2> /dev/null)"}%% *})
        _files -g '*.cfg' && result=0
        ;;
      WEIGHTS)
        words=(${DIGITS_WEIGHTS:-${commands[digits-run]:h}/../share/digits/weights}/*.safetensors(N:t:r))
        _files -g '*.safetensors' && result=0
        ;;
      ,) compset -P '*,' ;;
      [[:upper:]]*) _message "$kind" ;;
      *) words+=("$kind") ;;
    esac
  done
  (( $#words )) && compadd "${extra[@]}" -a words && result=0
  return result
}

_digits() {
  local -a specs
  _digits_specs $service
  _arguments $specs
}

_digits "$@"
