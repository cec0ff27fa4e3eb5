#!/usr/bin/env bash
# Run one check for action.yml, whose inputs are environment variables. The result is appended to the step summary.
set -euo pipefail

options=()
add() {  # add OPTION once for each line of VALUE
    while IFS= read -r value; do
        if [ -n "$value" ]; then options+=("$1=$value"); fi
    done <<<"${2:-}"
}
add --base "${BASE:-}"
add --head "${HEAD:-}"
add --allow "${ALLOW:-}"
add --direction "${DIRECTION:-}"
add --tolerance "${TOLERANCE:-}"
add --set "${SET:-}"
if [ "${STRICT:-false}" = true ]; then options+=(--strict); fi

if [ -n "${PYTHON:-}" ]; then
    folder=$(cd "$(dirname "$0")" && pwd)
    # Not python -m, which would prefer a package of that name in the project to this one, nor PYTHONPATH, which the
    # pipeline would inherit.
    code='import runpy, sys; sys.path[0], name = sys.argv[1:3]; del sys.argv[1:3]
runpy.run_module(name, run_name="__main__", alter_sys=True)'
    exec "$PYTHON" -c "$code" "$(dirname "$folder")" "$(basename "$folder")" "$CHECK" ${options[@]+"${options[@]}"}
fi
environment=${RUNNER_TEMP:-/tmp}/dvc-checks
if [ ! -x "$environment/bin/dvc-checks" ]; then
    "$INSTALL_WITH" -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "$(dirname "$0")"
fi
exec "$environment/bin/dvc-checks" "$CHECK" ${options[@]+"${options[@]}"}
