# Read by the scripts that start real brokers. Sets $work, a folder for the script, and `cluster`, which is deploy/kafka/local.sh
# for brokers of the script's own; both are gone when the script ends.
work=$(mktemp -d)
cluster() { deploy/kafka/local.sh --state "$work/kafka" --port "${HATTAMA_CI_KAFKA_PORT:-23092}" "$@"; }
trap 'cluster wipe >/dev/null 2>&1 || true; rm -rf "$work"' EXIT
