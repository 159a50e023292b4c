# What zsh offers, asked as a person asks it: by typing into a terminal. Usage: completion.zsh BUILD
zmodload zsh/zpty
build=$1 failed=0
folder=$build/completion-test
mkdir -p $folder/zsh
cp $build/manual/completion.zsh $folder/zsh/_digits
zsh -n $folder/zsh/_digits || exit 1

zpty shell "TERM=dumb PATH=$build/tools:$PATH zsh -f -i"
say() { zpty -w shell $1 }
# Waits until the shell has printed all of the words; what it printed lies in `heard`.
heard=
hear() {
  local part word end=$((SECONDS + 20))
  for word; do
    while [[ $heard != *$word* ]]; do
      ((SECONDS < end)) || return 1
      zpty -r -t shell part && heard+=$part || sleep 0.05
    done
  done
}
say "unsetopt zle_bracketed_paste; PS1='he''re> ' LISTMAX=1000; fpath=($folder/zsh \$fpath)"
say "autoload -Uz compinit; compinit -u -d $folder/zsh/dump; print rea''dy"
# What is typed before the line editor has shown its prompt is lost. $1: what was printed before it.
hear_prompt() {
  hear $1 || exit 1
  heard=${heard##*$1}
  hear 'here> ' || exit 1
  heard=
}
hear_prompt ready

# offers LINE WORD…: types the line and asks for the list; every word must be in it.
asked=0
offers() {
  local line=$1
  shift
  heard=
  zpty -w -n shell "$line"$'\C-d'
  if ! hear $*; then
    print -u 2 "zsh: $line: not all of \"$*\" in: $heard"
    failed=1
  fi
  heard= asked=$((asked + 1))
  zpty -w -n shell $'\C-u'
  say "print an''swer$asked"
  hear_prompt answer$asked
}
offers 'digits-run --ba' --backend --batch 'images in each step'
offers 'digits-run --backend ' cpu opencl
offers 'digits-run --quiet cn' cnn-leaky
offers 'digits-data ' stats write sheet
zpty -d shell
exit $failed
