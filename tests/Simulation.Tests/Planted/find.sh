#!/usr/bin/env bash
# Compiles planted bugs in, one at a time, and looks for the first seed that finds each:
#   bash tests/Simulation.Tests/Planted/find.sh [--seeds A..B] [NAME...]
# Prints a table; exits 1 where one was not found. Without names: all of them.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."

seeds=0..9999
if [[ ${1:-} == --seeds ]]; then
    seeds=$2
    shift 2
fi

names=("$@")
if ((${#names[@]} == 0)); then
    for description in tests/Simulation.Tests/Planted/*.txt; do
        names+=("$(basename "$description" .txt)")
    done
fi

missed=0
log=$(mktemp)
trap 'rm -f "$log"' EXIT
printf '| %-30s | %8s | %s\n' 'planted' 'seed' 'finding'
printf '|%s|%s|%s\n' "$(printf -- '-%.0s' {1..32})" "$(printf -- '-%.0s' {1..10})" '---------'
for name in "${names[@]}"; do
    if ! dotnet build tests/Simulation.Tests -c Release -v quiet -nologo "-p:Planted=$name" >"$log" 2>&1; then
        cat "$log" >&2
        exit 2
    fi

    result=0
    dotnet "artifacts/planted/$name/bin/Simulation.Tests/release/BlockGraph.Simulation.Tests.dll" --seeds "$seeds" >"$log" 2>&1 || result=$?
    finding=$(grep -m 1 -E '^seed [0-9]+: ' "$log" || true)
    if ((result == 1)) && [[ -n $finding ]]; then
        seed=${finding#seed }
        printf '| %-30s | %8s | %s\n' "$name" "${seed%%:*}" "${finding#*: }"
    else
        missed=1
        printf '| %-30s | %8s | %s\n' "$name" '-' "not found in $seeds (exit code $result)"
    fi
done

exit "$missed"
