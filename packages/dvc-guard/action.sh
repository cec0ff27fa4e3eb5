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
    # -P: not a package of that name in the project.
    exec "$PYTHON" -P -m dvc_guard "$CHECK" ${options[@]+"${options[@]}"}
fi
environment=${RUNNER_TEMP:-/tmp}/dvc-guard
if [ ! -x "$environment/bin/dvc-guard" ]; then
    "$INSTALL_WITH" -m venv "$environment"
    "$environment/bin/pip" install --quiet --disable-pip-version-check "$(dirname "$0")"
fi
exec "$environment/bin/dvc-guard" "$CHECK" ${options[@]+"${options[@]}"}
