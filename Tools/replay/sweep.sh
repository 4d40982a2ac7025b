#!/usr/bin/env bash
# A sweep over chunk and condition lengths of PHOTON, with Block and vanilla beside it, timed on an accelerator.
#
#     Tools/replay/sweep.sh export [--tiny]         here: writes the operations of every point to runs/accelerator
#     Tools/replay/sweep.sh run [OUTPUT] [options]  where PyTorch sees the accelerator: OUTPUT/sweep.csv and nodes.csv,
#                                                   by default in runs/accelerator/measured
#
# Only the first step needs the program, only the second PyTorch; the folder runs/accelerator goes from one to the other.
# Options go to Tools/replay/export.py and Tools/replay/replay.py.
set -euo pipefail
root="$(cd -P "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)"
traces="$root/runs/accelerator"

case "${1:-}" in
  export)
    shift
    python3 "$root/Tools/replay/export.py" --photon "$root/photon" -o "$traces" "$@"
    ;;
  run)
    shift
    output="$traces/measured"
    if [ $# -gt 0 ] && [ "${1#-}" = "$1" ]; then
      output="$1"
      shift
    fi
    mkdir -p "$output"
    python3 "$root/Tools/replay/replay.py" --index "$traces/index.jsonl" -o "$output/sweep.csv" \
      --nodes "$output/nodes.csv" --time-limit 540 "$@"
    ;;
  *)
    sed -n '2,9s/^# \{0,1\}//p' "${BASH_SOURCE[0]}"
    exit 64
    ;;
esac
