#!/bin/sh
# One request, its reply on stdout (give it to jq): examples/client.sh METHOD PARAMS
#   examples/client.sh remotecmd/exec '{"target": {"kind": "local"}, "cmdLine": "uname -a"}'
# The server leaves when its stdin ends, so stdin is a FIFO that stays open until the reply is there.
set -eu
export LC_ALL=C # lengths are bytes
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkfifo "$dir/in"
body="{\"jsonrpc\": \"2.0\", \"id\": 1, \"method\": \"$1\", \"params\": $2}"
# shellcheck disable=SC2094  # a FIFO has two ends
remotecmd <"$dir/in" | {
  exec 3>"$dir/in"
  printf 'Content-Length: %d\r\n\r\n%s' ${#body} "$body" >&3
  while IFS=' ' read -r _ length && read -r _; do
    message=$(head -c "${length%?}")
    case $message in *'"id":1,'*) printf '%s\n' "$message" && break ;; esac
  done
}
