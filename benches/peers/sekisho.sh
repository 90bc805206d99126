# Sekisho: `sekisho up` with the fast component where it is built, else with the portable one; tokens that were seen
# before are not verified again (many different ones: run.sh --tokens). Nothing is asked of a store, as by the others.
# Build first: cargo build --profile dist && target/dist/sekisho up --build (end it), with Rust 1.99 or newer for the fast one.
ALGS="ES256 RS256 HS256 EdDSA"
ROOT=$(cd "$(dirname "$(peer_file sekisho)")/../.." && pwd)
peer_version() { "$ROOT/target/dist/sekisho" --version; }
peer_start() {
  . "$DATA/params.sh"
  # A place that stays, because what is compiled at the first start is kept beside the manifest.
  WORK_OF=$ROOT/target/bench/$ALG
  rm -rf "$WORK_OF/policy"
  mkdir -p "$WORK_OF/policy/tenants" "$WORK_OF/policy/keys"
  cp "$DATA/jwks-$ALG.json" "$WORK_OF/policy/keys/idp.jwks.json"
  cat >"$WORK_OF/policy/gateway.toml" <<POLICY
version = 1
[edge]
trusted_proxies = ["127.0.0.0/8"]
unnamed_client = "peer"
[limits]
body_bytes = 1073741824
[state]
revocation = ${REVOCATION:-false}
[origins.origin]
url = "http://127.0.0.1:$ORIGIN_PORT"
region = "here"
tenant_echo = "off"
[[routes]]
id = "root"
path = "/"
methods = ["GET"]
origins = ["origin"]
[[routes]]
id = "all"
path = "/{*rest}"
methods = ["GET", "POST"]
origins = ["origin"]
POLICY
  cat >"$WORK_OF/policy/tenants/$TENANT.toml" <<POLICY
hosts = ["127.0.0.1", "bench.test"]
regions = ["here"]
[networks]
business = [
$(sed 's/.*/  "&",/' "$DATA/cidrs.txt")
]
[[issuers]]
issuer = "$ISS"
audiences = ["$AUD"]
algorithms = ["$ALG"]
jwks_file = "keys/idp.jwks.json"
tenant_claim = "tenant"
POLICY
  # The origin's port is another than the repository's manifest allows.
  sed -e "s|http://127.0.0.1:[0-9]*|http://127.0.0.1:$ORIGIN_PORT|" -e "s|\"target/|\"$ROOT/target/|; s|\"policy\"|\"$WORK_OF/policy\"|" \
    "$ROOT/spin.toml" >"$WORK_OF/spin.toml"
  bg "$ROOT/target/dist/sekisho" up --file "$WORK_OF/spin.toml" --policy "$WORK_OF/policy" --state memory \
    --listen "127.0.0.1:$HTTPS_PORT" --listen-sidecar "127.0.0.1:$HTTP_PORT" --tls-cert "$DATA/tls.crt" --tls-key "$DATA/tls.key"
}
