# The secure half of local.sh, which reads this file: certificates, users, the brokers' settings, rights.
# Everything secret lies in $state/secure, readable by its owner alone.

users=(gateway aggregator national operator auditor)

secret() { openssl rand -hex 24; }
password_of() { cat "$state/secure/$1.password"; }

# A certificate authority, one certificate for all brokers of the cluster, a password for each user.
make_secrets() {
  local dir=$state/secure user
  [ ! -f "$dir/complete" ] || return 0
  needs openssl "it makes the certificates (Debian: apt install openssl)"
  mkdir -p "$dir"
  openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=hattama local kafka" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
    -keyout "$dir/ca.key" -out "$dir/ca.pem" 2> "$dir/openssl.log" || { cat "$dir/openssl.log" >&2; fail "no certificates"; }
  openssl req -newkey rsa:2048 -nodes -subj "/CN=broker" -keyout "$dir/broker.key" -out "$dir/broker.csr" 2>> "$dir/openssl.log"
  openssl x509 -req -in "$dir/broker.csr" -CA "$dir/ca.pem" -CAkey "$dir/ca.key" -CAcreateserial -days 30 \
    -extfile <(printf 'subjectAltName=IP:127.0.0.1,DNS:localhost\nextendedKeyUsage=serverAuth,clientAuth\n') \
    -out "$dir/broker.pem" 2>> "$dir/openssl.log" || { cat "$dir/openssl.log" >&2; fail "no certificates"; }
  openssl pkcs8 -topk8 -nocrypt -in "$dir/broker.key" -out "$dir/broker.p8"
  cat "$dir/broker.p8" "$dir/broker.pem" "$dir/ca.pem" > "$dir/broker-store.pem"
  for user in broker "${users[@]}"; do
    secret > "$dir/$user.password"
    client_files "$user"
  done
  touch "$state/is-secure" "$dir/complete"
}

# What a client needs: for Kafka's own tools, and for this project's services.
client_files() { # $1: user
  local dir=$state/secure
  cat > "$dir/$1.properties" <<CONF
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="$1" password="$(password_of "$1")";
ssl.truststore.type=PEM
ssl.truststore.location=$dir/ca.pem
CONF
  cat > "$dir/$1.toml" <<CONF
# How the user $1 reaches this cluster.
brokers = "$(bootstrap)"
ca_file = "$dir/ca.pem"
user = "$1"
password_file = "$dir/$1.password"
CONF
}

secure_properties() {
  local dir=$state/secure
  cat <<CONF
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:SSL
ssl.keystore.type=PEM
ssl.keystore.location=$dir/broker-store.pem
ssl.truststore.type=PEM
ssl.truststore.location=$dir/ca.pem
listener.name.controller.ssl.client.auth=required
sasl.enabled.mechanisms=SCRAM-SHA-512
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required username="broker" password="$(password_of broker)";
authorizer.class.name=org.apache.kafka.metadata.authorizer.StandardAuthorizer
super.users=User:broker;User:CN=broker
allow.everyone.if.no.acl.found=false
CONF
}

# Users are made when the data folder is formatted: before the first start.
scram_arguments() {
  local user
  for user in broker "${users[@]}"; do
    printf '%s\n' --add-scram "SCRAM-SHA-512=[name=$user,password=$(password_of "$user")]"
  done
}

# $1: literal or prefixed; $2: users; $3: operations; then --topic NAME or --group NAME, any number of times.
# Each call starts a JVM: one call for everything that has the same users and operations.
acl() {
  local pattern=$1 who=() what=() each
  for each in $2; do who+=(--allow-principal "User:$each"); done
  for each in $3; do what+=(--operation "$each"); done
  java_kafka -Dkafka.log.level=ERROR org.apache.kafka.tools.AclCommand --bootstrap-server "$(bootstrap)" \
    --command-config "$state/secure/broker.properties" --add --resource-pattern-type "$pattern" "${who[@]}" "${what[@]}" \
    "${@:4}" >/dev/null
}

# The least that each user needs on the topics of an election; topics are named, not kinds of topics,
# so that a right never reaches another election's. $1: election, $2: generation
grant() {
  local name=$1.g${2:-1}
  resolve_jars tools
  acl literal gateway 'Read Write Describe' --topic "$name.submissions"
  acl literal gateway 'Read Describe' --topic "$name.outcomes" --topic "$name.publications"
  acl literal aggregator 'Read Describe' --topic "$name.submissions"
  acl literal aggregator 'Read Write Describe' --topic "$name.outcomes" --topic "$name.tallies"
  acl literal national 'Read Describe' --topic "$name.submissions" --topic "$name.outcomes" --topic "$name.tallies"
  acl literal national 'Read Write Describe' --topic "$name.publications"
  # Every service looks at all four topics' settings when it starts: that they are there, and kept as they have to be.
  acl prefixed 'gateway aggregator national' 'Describe DescribeConfigs' --topic "$name."
  # The operator makes the topics and writes the genesis of each partition.
  acl prefixed operator 'Create Read Write Describe DescribeConfigs' --topic "$name."
  acl prefixed auditor 'Read Describe' --topic "$name."
  # Readers name a group that nobody joins (docs/kafka.md); aggregators join theirs.
  acl literal "${users[*]}" 'Read Describe' --group hattama.readers
  acl prefixed aggregator 'Read Describe' --group "$name."
}
