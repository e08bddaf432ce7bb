# wt: `wt cd <task>` changes the folder; every other verb is the program's.
wt() {
  if [ "${1-}" = cd ]; then
    shift
    __wt_dir=$(command wt path "$@") || return
    cd -- "$__wt_dir" || return
  else
    command wt "$@"
  fi
}
