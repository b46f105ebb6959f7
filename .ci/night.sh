# Read by the scripts that play nights with `hattama rehearse`; wants $hattama and $work.

# Plays a night into the folder of its name, which may be there, leaves its document beside it and prints its result's digest.
night() {
  local name=$1
  shift
  "$hattama" rehearse --json --log-dir "$work/$name" --speed 36000 "$@" 2>"$work/$name.stderr" >"$work/$name.json" || {
    echo "the night $name $* failed: $(tail -n 5 "$work/$name.stderr")" >&2
    python3 -c 'import json, sys; print(*json.load(open(sys.argv[1]))["run"]["surprises"], sep="\n")' "$work/$name.json" >&2
    return 1
  }
  python3 - "$work/$name.json" <<'P'
import hashlib, json, sys
document = json.load(open(sys.argv[1]))
run = document["run"]
print(f"{sys.argv[1].split('/')[-1]}: {run['submissions_logged']} submissions in {run['seconds']:.1f} s, "
      f"logged after {run['latency']['p50_microseconds'] / 1000:.1f} ms (p99 {run['latency']['p99_microseconds'] / 1000:.1f} ms), "
      f"published after {run['freshness']['p50_microseconds'] / 1000:.1f} ms (p99 {run['freshness']['p99_microseconds'] / 1000:.1f} ms)",
      file=sys.stderr)
assert run["recount"]["verdict"] == "MATCH", run["recount"]
print(hashlib.sha256(json.dumps(document["result"]).encode()).hexdigest())
P
}
