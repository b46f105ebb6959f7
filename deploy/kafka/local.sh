#!/usr/bin/env bash
# A real Apache Kafka on this machine, without Docker, on the loopback only: for tests, rehearsals and benchmarks.
#
#   local.sh [OPTIONS] up [1|3]     start one broker, or three (factor 3, two must acknowledge); prints the bootstrap list
#   local.sh [OPTIONS] status       what runs, where, and the bootstrap list; exit code 1 if a broker does not
#   local.sh [OPTIONS] down         stop all brokers in order (SIGTERM); the data stays
#   local.sh [OPTIONS] wipe         down, then delete this cluster's data, certificates and passwords
#   local.sh [OPTIONS] stop N       controlled shutdown of broker N (SIGTERM)       start N    start it again
#   local.sh [OPTIONS] kill N       kill -9 of broker N
#   local.sh [OPTIONS] pause N      SIGSTOP of broker N                             resume N   SIGCONT
#   local.sh [OPTIONS] log N        the path of its log
#   local.sh [OPTIONS] tool CLASS … run org.apache.kafka.tools.CLASS, for example: tool TopicCommand --list --bootstrap-server …
#   local.sh jars                   resolve Kafka's jars, if they are not there yet
#   local.sh [OPTIONS] acl ELECTION [GENERATION]
#                                   give the users of a secure cluster their rights on an election's topics (docs/kafka.md);
#                                   generation 1 if not said
#
# Options, before the command, and what they default to:
#   --state DIR    data, logs, pids of one cluster        $HATTAMA_KAFKA_STATE, else target/kafka
#   --port P       first port; broker N: P + 100 (N - 1),
#                  its controller one above               $HATTAMA_KAFKA_PORT, else 19092
#   --secure       TLS, SASL/SCRAM-SHA-512 and ACLs; a cluster stays what it was made as
# Several clusters live beside each other with their own --state and --port.
# Also: HATTAMA_KAFKA_JARS (Kafka's jars, default target/kafka-jars, resolved once) and HATTAMA_KAFKA_HEAP (default 512m).
#
# Needs Java 17 or newer; Maven once, to resolve the jars; for --secure openssl. Debian: default-jre-headless maven openssl
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
state=${HATTAMA_KAFKA_STATE:-$root/target/kafka}
port=${HATTAMA_KAFKA_PORT:-}
jars=${HATTAMA_KAFKA_JARS:-$root/target/kafka-jars}
heap=${HATTAMA_KAFKA_HEAP:-512m}
secure=

# How long a broker may take to start and to stop: seconds here, more on a busy machine.
start_seconds=90
stop_seconds=30

fail()  { echo "local.sh: $*" >&2; exit 2; }
usage() { sed -n '2,/^set -/p' "${BASH_SOURCE[0]}" | grep '^#' | sed 's/^# \{0,1\}//'; }
needs() { command -v "$1" >/dev/null || fail "$1 is missing: $2"; }

broker_port() { echo $((port + ($1 - 1) * 100)); }
brokers()     { cat "$state/brokers" 2>/dev/null || fail "there is no cluster in $state: run 'local.sh up' first"; }
java_kafka()  { java -Dlog4j2.configurationFile="$here/log4j2.xml" -cp "$jars/*" "$@"; }

bootstrap() {
  local i list=
  for i in $(seq 1 "$(brokers)"); do list+=${list:+,}127.0.0.1:$(broker_port "$i"); done
  echo "$list"
}

# The process of a broker, if it runs and is the one that was started here: a pid may have become somebody else's.
pid_of() {
  local pid
  pid=$(cat "$state/$1.pid" 2>/dev/null) || return 1
  tr '\0' '\n' 2>/dev/null < "/proc/$pid/cmdline" | grep -qxF "$state/$1.properties" || return 1
  echo "$pid"
}

signal() { # $1: signal, $2: broker
  [[ ${2:-} =~ ^[123]$ ]] || fail "which broker? 1, 2 or 3"
  local pid; pid=$(pid_of "$2") || fail "broker $2 does not run"
  kill "-$1" "$pid"
}

# $1: server or tools. Maven is asked once for each; a second caller waits.
resolve_jars() {
  [ -f "$jars/.$1" ] && return
  needs mvn "Maven resolves Kafka's jars once (Debian: apt install maven), or set HATTAMA_KAFKA_JARS to a folder that has them"
  mkdir -p "$jars"
  exec 9> "$jars/.lock"; flock 9
  if [ ! -f "$jars/.$1" ]; then
    echo "local.sh: resolving Kafka's jars into $jars (once)" >&2
    local profile=; [ "$1" = server ] || profile=-Ptools
    mvn -q -B -f "$here/pom.xml" $profile -Dlibs="$jars" dependency:copy-dependencies >&2 ||
      fail "Maven could not resolve Kafka's jars: is Maven Central reachable?"
    touch "$jars/.$1"
  fi
  exec 9>&-
}

check_java() {
  needs java "Kafka needs Java 17 or newer (Debian: apt install default-jre-headless)"
  local version; version=$(java -version 2>&1 | sed -n 's/.*version "\([0-9]*\).*/\1/p' | head -1)
  [ "${version:-0}" -ge 17 ] || fail "Kafka needs Java 17 or newer, this is ${version:-unknown}"
}

write_properties() { # $1: broker, $2: brokers
  local n=$1 of=$2 voters= i p isr
  for i in $(seq 1 "$of"); do voters+=${voters:+,}$i@127.0.0.1:$(($(broker_port "$i") + 1)); done
  p=$(broker_port "$n")
  isr=$((of > 1 ? 2 : 1))
  local client=PLAINTEXT
  [ -z "$secure" ] || client=SASL_SSL
  cat > "$state/$n.properties" <<CONF
process.roles=broker,controller
node.id=$n
controller.quorum.voters=$voters
listeners=$client://127.0.0.1:$p,CONTROLLER://127.0.0.1:$((p + 1))
advertised.listeners=$client://127.0.0.1:$p,CONTROLLER://127.0.0.1:$((p + 1))
controller.listener.names=CONTROLLER
inter.broker.listener.name=$client
log.dirs=$state/data/$n
auto.create.topics.enable=false
unclean.leader.election.enable=false
default.replication.factor=$of
min.insync.replicas=$isr
offsets.topic.replication.factor=$of
offsets.topic.num.partitions=8
transaction.state.log.replication.factor=$of
transaction.state.log.min.isr=$isr
transaction.state.log.num.partitions=8
share.coordinator.state.topic.replication.factor=$of
share.coordinator.state.topic.min.isr=$isr
share.coordinator.state.topic.num.partitions=8
group.initial.rebalance.delay.ms=$((of > 1 ? 500 : 0))
broker.session.timeout.ms=6000
broker.heartbeat.interval.ms=1000
num.network.threads=2
num.io.threads=4
log.segment.bytes=268435456
log.cleaner.dedupe.buffer.size=33554432
CONF
  if [ -z "$secure" ]; then
    echo "listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT" >> "$state/$n.properties"
  else
    secure_properties "$n" >> "$state/$n.properties"
  fi
  chmod 600 "$state/$n.properties"
}

format_broker() { # $1: broker
  [ -f "$state/data/$1/meta.properties" ] && return
  local scram=()
  [ -z "$secure" ] || mapfile -t scram < <(scram_arguments)
  java_kafka kafka.tools.StorageTool format -t "$(cat "$state/cluster.id")" -c "$state/$1.properties" "${scram[@]}" \
    > "$state/format-$1.log" 2>&1 || { tail -20 "$state/format-$1.log" >&2; fail "broker $1 could not be formatted"; }
}

launch() { # $1: broker
  pid_of "$1" >/dev/null && return
  : > "$state/$1.log"
  setsid nohup java -server -XX:+UseG1GC -XX:MaxGCPauseMillis=20 -Djava.awt.headless=true "-Xms$heap" "-Xmx$heap" \
    -Dlog4j2.configurationFile="$here/log4j2.xml" -cp "$jars/*" \
    kafka.Kafka "$state/$1.properties" >> "$state/$1.log" 2>&1 < /dev/null 9>&- &
  echo $! > "$state/$1.pid"
}

# Returns once the broker serves.
await_broker() {
  local deadline=$((SECONDS + start_seconds))
  while [ $SECONDS -lt $deadline ]; do
    grep -q 'Kafka Server started' "$state/$1.log" && return
    kill -0 "$(cat "$state/$1.pid")" 2>/dev/null || break
    sleep 0.2
  done
  tail -20 "$state/$1.log" >&2
  fail "broker $1 did not start; its log is $state/$1.log (is port $(broker_port "$1") taken?)"
}

up() { # $1: brokers
  local i
  [ "$1" = 1 ] || [ "$1" = 3 ] || fail "up: 1 or 3 brokers, not '$1'"
  if [ -f "$state/brokers" ] && [ "$(brokers)" != "$1" ]; then
    fail "the cluster in $state has $(brokers) broker(s): run 'local.sh wipe' first, or take another --state and --port"
  fi
  check_java
  resolve_jars server
  umask 077
  mkdir -p "$state"
  echo "$1" > "$state/brokers"
  echo "$port" > "$state/port"
  [ -z "$secure" ] || make_secrets
  [ -f "$state/cluster.id" ] || java_kafka kafka.tools.StorageTool random-uuid | tail -1 > "$state/cluster.id"
  for i in $(seq 1 "$1"); do write_properties "$i" "$1"; format_broker "$i"; done
  for i in $(seq 1 "$1"); do launch "$i"; done
  for i in $(seq 1 "$1"); do await_broker "$i"; done
  bootstrap
}

stop_broker() { # $1: broker
  local pid; pid=$(pid_of "$1") || return 0
  kill -CONT "$pid"; kill -TERM "$pid"
  local deadline=$((SECONDS + stop_seconds))
  while [ $SECONDS -lt $deadline ]; do pid_of "$1" >/dev/null || return 0; sleep 0.2; done
  echo "local.sh: broker $1 did not stop in $stop_seconds s: killed" >&2
  kill -KILL "$pid"
}

down() {
  local i
  for i in 1 2 3; do stop_broker "$i" & done
  wait
}

status() {
  local i pid code=0 kind=plain
  brokers >/dev/null
  [ -z "$secure" ] || kind=secure
  for i in $(seq 1 "$(brokers)"); do
    if pid=$(pid_of "$i"); then
      local how=runs; [ "$(sed 's/.*) //' "/proc/$pid/stat" | cut -c1)" != T ] || how=paused
      echo "broker $i: $how, pid $pid, 127.0.0.1:$(broker_port "$i"), $kind"
    else
      echo "broker $i: down"; code=1
    fi
  done
  echo "bootstrap: $(bootstrap)"
  return $code
}

wipe() {
  down
  rm -rf "${state:?}/data" "$state/secure" "$state"/{cluster.id,brokers,port,is-secure} \
    "$state"/[123].{pid,log,properties} "$state"/format-[123].log
  rmdir "$state" 2>/dev/null || true
}

while [ $# -gt 0 ]; do
  case $1 in
    --state)  state=${2:?"--state needs a folder"}; shift 2 ;;
    --port)   port=${2:?"--port needs a number"}; shift 2 ;;
    --secure) secure=yes; shift ;;
    -h|--help) usage; exit 0 ;;
    -*)       fail "unknown option $1; see --help" ;;
    *)        break ;;
  esac
done
case $state in /*) ;; *) state=$PWD/$state ;; esac
# What a cluster was made as is remembered: later commands need no options but --state.
if [ -z "$port" ]; then port=$(cat "$state/port" 2>/dev/null || echo 19092); fi
[[ $port =~ ^[0-9]{4,5}$ ]] || fail "'$port' is not a port"
if [ -f "$state/port" ] && [ "$(cat "$state/port")" != "$port" ]; then
  fail "the cluster in $state was made for port $(cat "$state/port"), not $port: leave --port out, or take another --state"
fi
[ ! -f "$state/is-secure" ] || secure=yes
if [ -n "$secure" ] && [ -f "$state/brokers" ] && [ ! -f "$state/is-secure" ]; then
  fail "the cluster in $state is not secure: wipe it first, or take another --state and --port"
fi
. "$here/secure.sh"

command=${1:-}; shift || true
case $command in
  up)     up "${1:-1}" ;;
  down)   down ;;
  status) status ;;
  wipe)   wipe ;;
  start)  [[ ${1:-} =~ ^[123]$ && $1 -le $(brokers) ]] || fail "start: which broker?"; launch "$1"; await_broker "$1" ;;
  stop)   [[ ${1:-} =~ ^[123]$ ]] || fail "stop: which broker?"; stop_broker "$1" ;;
  kill)   signal KILL "${1:-}" ;;
  pause)  signal STOP "${1:-}" ;;
  resume) signal CONT "${1:-}" ;;
  log)    [[ ${1:-} =~ ^[123]$ ]] || fail "log: which broker?"; echo "$state/$1.log" ;;
  tool)   [ $# -gt 0 ] || fail "tool: which class? for example TopicCommand"
          resolve_jars tools; class=$1; shift
          java_kafka -Dkafka.log.level=ERROR "org.apache.kafka.tools.$class" "$@" ;;
  acl)    [ -n "$secure" ] || fail "acl: this cluster is not secure"; [ $# -gt 0 ] || fail "acl: which election?"; grant "$@" ;;
  jars)   resolve_jars server ;;
  '')     usage; exit 2 ;;
  *)      usage >&2; fail "unknown command $command" ;;
esac
