# shellcheck shell=sh
# shellcheck disable=SC2015  # `A && B || continue` is meant as it reads
# shellcheck disable=SC2154  # rc_... are the agent's variables, probe_tools and probe_rounds the server's
# What doctor runs in a container, in one exec: it follows the agent's text (all but the call of `agent`), so it judges by the
# agent's own functions. It changes nothing: the directory that it makes where records could be kept is removed at once.
# It says one fact a line, after the nonce: what the server reads in handlers/doctor/facts.py. The cheap and certain ones come
# first; after `checked` come those that may take long or hang, as df does on a dead network mount.
#
# ready | pong (as often as asked) | clock SECONDS | shell EXE | refused WHAT DETAIL | user UID GID | tool NAME yes|no
# kind TOOL WHOSE | proc yes|no | mount TYPE ro|rw PATH | place STATE own|new PATH | memory LIMIT USED INACTIVE | pids LIMIT USED
# init NAME | reaping HOW [ZOMBIES] | checked | volume PATH | room AVAILABLE TOTAL PATH (KiB) | end

probe_say() { printf '%s\n' "$RC_NONCE $*"; }

# probe_first FILE: `first` = its first line, empty if it can't be read.
probe_first() {
  probe_first=
  { read -r probe_first <"$1"; } 2>/dev/null
  return 0
}

# probe_answer: as many lines of stdin as the server wants to send, each answered at once.
probe_answer() {
  probe_i=0
  # shellcheck disable=SC2034  # what the server sends says nothing
  while [ $probe_i -lt "$probe_rounds" ] && read -r probe_line; do
    probe_i=$((probe_i + 1))
    probe_say pong
  done
}

probe_shell() {
  probe_text=$(exec readlink "/proc/$$/exe" 2>/dev/null)
  probe_say shell "${probe_text:-unknown}"
  # It says `refused` and why, in a shell of its own that this ends; or nothing at all.
  (exec 3>&1 && self_test 2>/dev/null)
}

probe_user() {
  probe_uid='' probe_gid=''
  while read -r probe_k _ probe_v _; do
    case $probe_k in Uid:) probe_uid=$probe_v ;; Gid:) probe_gid=$probe_v ;; esac
  done </proc/self/status
  probe_say user "$probe_uid" "$probe_gid"
} 2>/dev/null

# probe_kinds: whose the tools are whose makers differ most. An unknown option makes busybox say its name.
probe_kinds() {
  for probe_t in dd xargs setsid; do
    probe_text=$("$probe_t" --version 2>&1 </dev/null)
    case $probe_text in
      *BusyBox*) probe_say kind "$probe_t" busybox ;;
      *toybox*) probe_say kind "$probe_t" toybox ;;
      *uutils*) probe_say kind "$probe_t" uutils ;;
      *GNU* | *coreutils*) probe_say kind "$probe_t" GNU ;;
      *util-linux*) probe_say kind "$probe_t" util-linux ;;
      *) probe_say kind "$probe_t" unknown ;;
    esac
  done
} 2>/dev/null

# probe_mounts: what is mounted where people may have put it; `volumes` = where it may be written, at most eight.
# A path with a space in it is given as \040 and left out.
probe_mounts() {
  probe_volumes='' probe_i=0 probe_j=0
  while read -r _ probe_path probe_type probe_options _; do
    case $probe_path in
      *\\* | /proc | /proc/* | /sys | /sys/* | /etc/* | /run/secrets* | /var/run/secrets*) continue ;;
      /dev/shm) ;;
      /dev | /dev/*) continue ;;
    esac
    case $probe_path/$probe_type in //*) ;; */overlay | */squashfs | */nsfs | */autofs) continue ;; esac
    [ $probe_i -lt 64 ] || break
    probe_i=$((probe_i + 1))
    case ,$probe_options, in *,ro,*) probe_k=ro ;; *) probe_k=rw ;; esac
    probe_say mount "$probe_type" $probe_k "$probe_path"
    case $probe_k$probe_path in ro* | rw/ | rw/tmp | rw/var/tmp | rw/dev/shm) continue ;; esac
    [ $probe_j -lt 8 ] || continue
    probe_j=$((probe_j + 1))
    probe_volumes="$probe_volumes $probe_path"
  done </proc/self/mounts
} 2>/dev/null

# probe_place DIR: could the agent keep its records below it? As its try_base, but that nothing stays.
probe_place() {
  probe_at=$1 probe_has=new probe_base=${1%/}/remotecmd-$probe_uid
  probe_state=missing
  if [ -d "$1" ] && [ -x "$1" ]; then
    if [ -e "$probe_base" ] || [ -L "$probe_base" ]; then
      probe_has=own probe_at=$probe_base
    fi
    if [ -L "$probe_base" ]; then
      probe_state='link'
    elif [ $probe_has = own ] && ! { [ -d "$probe_base" ] && [ -O "$probe_base" ]; }; then
      probe_state=foreign
    else
      probe_try
    fi
  fi
  probe_say place $probe_state $probe_has "$1"
}

# probe_try: `state` = usable, full or denied, by writing. A directory may still be made where no byte can be written. What can't
# be removed is not made.
probe_try() {
  probe_state=denied
  command -v rm >/dev/null || return 0
  probe_text=$(cd "$probe_at" && exec mkdir ".remotecmd-probe-$RC_NONCE" 2>&1)
  if [ -d "$probe_at/.remotecmd-probe-$RC_NONCE" ]; then
    probe_state=full
    ! echo "$RC_NONCE" >"$probe_at/.remotecmd-probe-$RC_NONCE/file" || probe_state=usable
    (cd "$probe_at" && exec rm -rf ".remotecmd-probe-$RC_NONCE")
  elif is_full "$probe_text"; then
    probe_state=full
  fi
} 2>/dev/null

# probe_places: where the agent looks, see find_base.
probe_places() {
  for probe_d in /tmp /var/tmp /dev/shm "${HOME:-/}"; do
    case $probe_d in *"$rc_nl"*) continue ;; esac
    probe_place "$probe_d"
  done
}

# probe_limits: the limits of our control group and of those above it that can be seen, version 2 or 1.
probe_limits() {
  while IFS=: read -r _ probe_k probe_path; do
    case ,$probe_k, in
      ,,)
        probe_walk memory /sys/fs/cgroup "$probe_path" memory.max memory.current
        probe_walk pids /sys/fs/cgroup "$probe_path" pids.max pids.current
        ;;
      *,memory,*)
        probe_walk memory /sys/fs/cgroup/memory "$probe_path" memory.limit_in_bytes memory.usage_in_bytes
        ;;
      *,pids,*) probe_walk pids /sys/fs/cgroup/pids "$probe_path" pids.max pids.current ;;
    esac
  done </proc/self/cgroup
} 2>/dev/null

# probe_walk KEY ROOT PATH LIMIT_FILE USED_FILE
probe_walk() {
  probe_up=${3%/} probe_i=0
  while [ $probe_i -lt 16 ]; do
    probe_i=$((probe_i + 1))
    probe_first "$2$probe_up/$4"
    if [ "$probe_first" ]; then
      probe_limit=$probe_first probe_inactive=0
      probe_first "$2$probe_up/$5"
      [ "$1$probe_limit" = memorymax ] || [ "$1" = pids ] || probe_cache "$2$probe_up/memory.stat"
      probe_say "$1" "$probe_limit" "${probe_first:-0}" "$probe_inactive"
    fi
    [ "$probe_up" ] || break
    probe_up=${probe_up%/*}
  done
}

# probe_cache FILE: `inactive` = bytes of files in memory that are given up when there is need.
probe_cache() {
  while read -r probe_k probe_v; do
    case $probe_k in inactive_file | total_inactive_file) probe_inactive=$probe_v ;; esac
  done <"$1"
} 2>/dev/null

# probe_reaping: does PID 1 take note of orphans that end? One that ignores SIGCHLD (17) has the kernel do it. Zombies that it has
# already and keeps say that it doesn't; only if there are none, an orphan of ours is tried, which may become one.
probe_reaping() {
  probe_first /proc/1/comm
  probe_say init "${probe_first:-unknown}"
  while read -r probe_k probe_v; do
    case $probe_k/$probe_v in SigIgn:/*[13579bdf]????) probe_say reaping ignored && return ;; esac
  done </proc/1/status
  probe_zombies='' probe_i=0 probe_j=0
  for probe_p in /proc/[0-9]*; do
    [ $probe_i -lt 2000 ] || break
    probe_i=$((probe_i + 1))
    stat "${probe_p#/proc/}" && [ "$rc_st_state$rc_st_ppid" = Z1 ] || continue
    [ $probe_j -lt 100 ] || continue
    probe_j=$((probe_j + 1))
    probe_zombies="$probe_zombies ${probe_p#/proc/}:$rc_st_start"
  done
  if [ -z "$probe_zombies" ]; then
    probe_p=$(sleep 0.1 >/dev/null 2>&1 3>&- & echo $!)
    stat "$probe_p" || rc_st_start=0
    probe_zombies=$probe_p:$rc_st_start
  fi
  probe_i=0
  while [ $probe_i -lt 20 ]; do
    probe_i=$((probe_i + 1))
    probe_left
    [ "$probe_j" -gt 0 ] || break
    nap 0.05
  done
  if [ "$probe_j" = 0 ]; then probe_say reaping yes; else probe_say reaping no "$probe_j"; fi
} 2>/dev/null

# probe_left: `j` = how many of the zombies are still there.
probe_left() {
  probe_j=0
  for probe_p in $probe_zombies; do
    ! stat "${probe_p%:*}" || [ "$rc_st_start" != "${probe_p#*:}" ] || probe_j=$((probe_j + 1))
  done
}

# probe_room DIR: by df's last line, whose last words are: total used available percentage mount.
probe_room() {
  probe_text=$(cd "$1" && exec df -kP .)
  probe_text=${probe_text##*"$rc_nl"}
  case $probe_text in *%*) ;; *) return ;; esac
  set -f
  # shellcheck disable=SC2086  # to be split
  set -- "$1" ${probe_text%\%*}
  set +f
  probe_d=$1
  [ $# -ge 6 ] || return 0
  shift $(($# - 4))
  probe_say room "$3" "$1" "$probe_d"
} 2>/dev/null

probe_rooms() {
  for probe_v in $probe_volumes; do
    [ "$probe_v" != "${HOME:-/}" ] && [ -d "$probe_v" ] && [ -w "$probe_v" ] && [ -x "$probe_v" ] || continue
    probe_say volume "$probe_v"
    probe_room "$probe_v"
  done
  for probe_p in /tmp /var/tmp /dev/shm "${HOME:-/}"; do
    case $probe_p in *"$rc_nl"*) continue ;; esac
    [ ! -d "$probe_p" ] || probe_room "$probe_p"
  done
}

probe() {
  LC_ALL=C
  export LC_ALL
  umask 077
  case $(command -v printf) in
    printf | builtin*) ;;
    *) ! command -v print >/dev/null || shell_printf ;;
  esac
  probe_say ready
  probe_answer
  probe_say clock "$(exec date +%s 2>/dev/null)"
  probe_shell
  probe_user
  for probe_t in $probe_tools; do
    if command -v "$probe_t" >/dev/null 2>&1; then probe_say tool "$probe_t" yes; else probe_say tool "$probe_t" no; fi
  done
  probe_kinds
  if [ -r /proc/self/stat ]; then probe_say proc yes; else probe_say proc no; fi
  probe_mounts
  probe_places
  probe_limits
  probe_reaping
  probe_say checked
  probe_rooms
  probe_say end
  exit 0
}

probe
