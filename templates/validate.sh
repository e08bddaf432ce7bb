#!/bin/sh
# Runs the gate in this worktree, as often as you like: only `wt validate` counts.
# wt writes this file from the target's wt.toml; an edit here changes no verdict.
{% if steps %}

# Without CDPATH, so that `cd` goes nowhere else.
CDPATH= cd -- "$(dirname -- "$0")/.." || exit 70

unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE
export CI=1 TZ=UTC LC_ALL=C.UTF-8

# A verdict has an empty line before it, since a step's output may end without a newline.
step() { # token, name, command
    printf 'step %s\n' "$2" >&2
    sh -c "$3" </dev/null || {
        printf '\n%s step=%s exit=%s\n' "$1" "$2" "$?"
        exit 1
    }
}

{% for step in steps %}
step {{ step.token | sh }} {{ step.name | sh }} {{ step.run | sh }}
{% endfor %}
printf '\nVALIDATION_OK\n'
{% else %}

echo 'no gate is set: the operator adds a [[gate]] to wt.toml' >&2
exit 4
{% endif %}
