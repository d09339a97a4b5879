# shellcheck shell=bash disable=SC2034 # some names are for the scripts that source this
# Where the test node lives and how its servers are started, found again and ended.
#
# Sourced by the scripts beside it. A server is known by pid AND start time (field 22 of /proc/PID/stat), so that a
# stale pid file can never make us end somebody else's process. Nothing here signals a group or a name.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache=${REMOTECMD_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/remotecmd}
state=$(realpath -m "${REMOTECMD_CLUSTER_DIR:-$cache/cluster}")
kubernetes_version=$(awk '$1 == "require" && $2 == "k8s.io/kubernetes" { print $3 }' "$here/go.mod")

# Below the kernel's range for outgoing connections (32768 and up), so that none of them is taken by chance.
first_port=${REMOTECMD_CLUSTER_PORT:-27440}
apiserver_port=$first_port
kubelet_port=$((first_port + 1))
etcd_port=$((first_port + 2))
etcd_peer_port=$((first_port + 3))

servers=(containerd etcd apiserver kubelet) # in the order in which they start
containerd_socket=$state/containerd.sock

say() { printf 'cluster: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }

# The built programs are shared by all checkouts; another version of anything in them makes another directory.
programs() {
  printf '%s/kubernetes-%s-%s\n' "$cache" "$kubernetes_version" "$(sha256sum <"$here/go.sum" | cut -c1-12)"
}

# Print the start time of a process that is there and no zombie; fail otherwise. A zombie with threads is none yet: they have
# its files open, and the next server would find its port taken.
start_time() {
  local stat fields
  stat=$(cat "/proc/$1/stat" 2>/dev/null) || return 1
  read -ra fields <<<"${stat##*) }" # the program's name may hold spaces and parentheses: count from the last one
  [[ ${fields[0]} != Z || ${fields[17]} -gt 1 ]] && printf '%s\n' "${fields[19]}"
}

# Print the pid of a server that we started and that still runs; fail otherwise.
pid_of() {
  local pid started
  read -r pid started 2>/dev/null <"$state/$1.pid" || return 1
  [[ $(start_time "$pid") == "$started" ]] && printf '%s\n' "$pid"
}

running() { pid_of "$1" >/dev/null; }

all_running() {
  local name
  for name in "${servers[@]}"; do running "$name" || return 1; done
}

# wait_for SECONDS SERVER COMMAND…: until COMMAND succeeds; if it doesn't, or SERVER ends before, show why and fail.
wait_for() {
  local deadline=$((SECONDS + $1)) server=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    if ! running "$server" || ((SECONDS >= deadline)); then
      say "$server is not ready ($*). The end of $state/log/$server.log:"
      tail -n 25 "$state/log/$server.log" >&2
      return 1
    fi
    sleep 0.1
  done
}

start_server() {
  running "$1" && return
  local command
  case $1 in
    containerd) command=(containerd --config "$state/containerd.toml") ;;
    etcd) command=(etcd --name node --data-dir "$state/etcd"
      --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port"
      --listen-peer-urls "http://127.0.0.1:$etcd_peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$etcd_peer_port"
      --initial-cluster "node=http://127.0.0.1:$etcd_peer_port") ;;
    apiserver) command=("$state/bin/kube-apiserver" --etcd-servers="http://127.0.0.1:$etcd_port"
      --bind-address=127.0.0.1 --advertise-address=127.0.0.1 --secure-port="$apiserver_port"
      --cert-dir="$state/pki/apiserver" --token-auth-file="$state/pki/tokens.csv" --authorization-mode=RBAC
      --service-account-issuer=https://kubernetes.default.svc --service-account-key-file="$state/pki/serviceaccount.key"
      --service-account-signing-key-file="$state/pki/serviceaccount.key" --disable-admission-plugins=ServiceAccount
      --service-cluster-ip-range=10.0.0.0/24 --kubelet-preferred-address-types=InternalIP
      --audit-policy-file="$here/audit-policy.yaml" --audit-log-path="$state/log/audit.log") ;;
    # The node's name is also what the kubelet takes for its InternalIP, so the API server finds it without DNS.
    kubelet) command=("$state/bin/kubelet" --config="$state/kubelet.yaml" --kubeconfig="$state/kubeconfig"
      --hostname-override=127.0.0.1 --root-dir="$state/kubelet" --cert-dir="$state/pki/kubelet") ;;
    *) die "no server is called $1; there are: ${servers[*]}" ;;
  esac
  # A session of its own: Ctrl-C in the caller's terminal must not reach it; `down` ends it by pid.
  setsid "${command[@]}" >>"$state/log/$1.log" 2>&1 </dev/null &
  printf '%s %s\n' $! "$(start_time $!)" >"$state/$1.pid"
}

# end_process PID START_TIME: TERM, then KILL after 10 s, as long as it is the same process.
end_process() {
  local deadline=$((SECONDS + 10)) signal=TERM
  while [[ $(start_time "$1") == "$2" ]]; do
    ((SECONDS < deadline)) || signal=KILL
    [[ $signal == none ]] || kill -"$signal" "$1" 2>/dev/null || true
    [[ $signal == KILL ]] || signal=none # TERM is said once
    sleep 0.05
  done
}

stop_server() {
  local pid
  if pid=$(pid_of "$1"); then end_process "$pid" "$(start_time "$pid")"; fi
  rm -f "$state/$1.pid"
}
