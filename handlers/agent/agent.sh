# shellcheck shell=sh
# shellcheck disable=SC2015  # `A && B || continue` is meant as it reads
# shellcheck disable=SC2016  # code that another shell expands
# shellcheck disable=SC2094  # o, e are FIFOs
# The remotecmd agent: runs in the container, speaks to the server over the exec's own streams, needs only /bin/sh,
# /proc and a few tools. The whole text is the agent: a request loop on stdin, replies on stdout, notices on stderr; it lives
# as long as its stream. Jobs of the spawner outlive it. Each has just the part of the text that it needs, since to read that is
# a part of every start: RC_RUN_JOB supervises a run; with it, RC_PUMP_JOB takes its output, RC_FEED_JOB gives it input, RC_STOP_JOB
# stops it or ends a leaving agent, RC_TIDY_JOB removes what is old. The first part of RC_RUN_JOB (RC_LAUNCH) is the launcher, which becomes the user's command.
#
# Rules of this file:
# - A value of the user's is never in an argument of a program (only of a builtin), so it never shows in /proc/*/cmdline.
#   What names a command's files is a hash of its id, for programs make and remove them.
# - Only the request loop writes to stdout (fd 3). Notices are whole lines of at most 4,000 bytes in one write.
# - Files that must be written on a full disk exist before and are overwritten in place (1<>), never truncated. Since shells
#   read a byte at a time, what they read may be torn: such a record begins and ends with the same word, then a dot.
# - Nothing polls: pumps ring the agents, see `ring`.
#
# <base>/agents/<owner>.<pid>/   wake (FIFO), rung, served, spare, pid, b/<run> (a bell: who has it, hears of that run)
# <base>/ids/<key>.<n>           the run that is the nth of a command; made by whoever starts it, so it is the lock as well
# <base>/runs/<run>/             meta spec go claim pid end stop mark o e (FIFOs) o.n e.n (sizes) o.<offset> (segments)
#                                o.s e.s (ended segments) j.<k> (journal) j (which is written now) c.<job> v.<job> (claims, verdicts
#                                of stops) v (room for one)
#                                with stdin: i (the FIFO) i.q (pieces that arrived, a line each) w.<piece> i.p (who feeds) i.c (closed)
#                                i.w (who waits for room) h (a FIFO that wakes the feeder) h.n (whether a byte is in it)
# The directory of a run has a name of its own, so that one can lie ready before anybody knows what will run in it.
# <base>/leases/<owner>          when that server pinged last
# The server sets: RC_NONCE RC_OWNER RC_DIR RC_SH RC_WATCHDOG RC_LEASE RC_SPOOL (KiB for all output here) RC_AGENT (this text).

rc_nl='
'
rc_ifs=$IFS
# shell_printf: mksh's printf is a program, so values would be in its arguments; its print is not.
shell_printf() {
  printf() {
    # shellcheck disable=SC3061  # where this is used, there is a print
    case $1 in
      '%b') print -n -- "$2" ;;
      '%s') print -rn -- "$2" ;;
      *) print -r -- "$2" ;;
    esac
  }
}
[ -z "${RC_PRINT-}" ] || shell_printf

nap() { sleep "$1" 2>/dev/null || sleep 1; } # not every sleep takes fractions
now() { read -r rc_up _ </proc/uptime; }

# stat PID: st_comm, st_state, st_ppid, st_pgrp, st_sid, st_start of /proc/PID/stat; fails when there is none.
# The name may hold spaces, parentheses and newlines: what counts comes after the last ")".
stat() {
  rc_st=
  { while IFS= read -r rc_st_line; do rc_st=$rc_st$rc_st_line; done; } 2>/dev/null <"/proc/$1/stat" || return 1
  [ -n "$rc_st" ] || return 1
  rc_st_comm=${rc_st#*\(}
  rc_st_comm=${rc_st_comm%\)*}
  set -f
  # shellcheck disable=SC2086  # to be split
  set -- ${rc_st##*\)}
  set +f
  rc_st_state=$1 rc_st_ppid=$2 rc_st_pgrp=$3 rc_st_sid=$4 rc_st_start=${20}
}

# split A:B:C: f1 f2 f3 ...
split() {
  set -f
  IFS=:
  # shellcheck disable=SC2086  # to be split
  set -- $1
  IFS=$rc_ifs
  set +f
  rc_f1=${1-} rc_f2=${2-} rc_f3=${3-} rc_f4=${4-} rc_f5=${5-} rc_f6=${6-}
}

# is_live PID START: that very process exists and is no zombie (a PID 1 that doesn't reap keeps those for ever).
is_live() { stat "$1" && [ "$rc_st_start" = "$2" ] && [ "$rc_st_state" != Z ] && [ "$rc_st_state" != X ]; }

# flag FILE: `flag` = the first line of a file that is overwritten in place, without padding.
flag() {
  rc_flag=
  { read -r rc_flag <"$1"; } 2>/dev/null
  return 0
}

# journal_at DIR: `j` = which file of a run's journal is written now. It is overwritten in place, so it says so twice.
journal_at() {
  rc_j_i=0 rc_j=0 rc_j_again=
  while [ $rc_j_i -lt 20 ] && [ "$rc_j" != "$rc_j_again" ]; do
    rc_j_i=$((rc_j_i + 1)) rc_j='' rc_j_again=''
    { read -r rc_j rc_j_again <"$1/j"; } 2>/dev/null
  done
  rc_j=${rc_j:-0}
}

# ring RUN: tell every agent that has a bell for the run. The bell is set before the FIFO is written and cleared before
# the run is looked at, so nothing is missed; a byte is sent only if none is waiting, so the FIFO of a blocked agent
# never fills.
ring() {
  for rc_ring_agent in "$RC_BASE"/agents/*/; do
    [ -p "${rc_ring_agent}wake" ] && [ -f "${rc_ring_agent}b/$1" ] || continue
    flag "${rc_ring_agent}b/$1"
    case $rc_flag in
      -) continue ;;
      0) echo 1 1<>"${rc_ring_agent}b/$1" ;;
    esac
    flag "${rc_ring_agent}rung"
    [ "$rc_flag" = 1 ] || { echo 1 1<>"${rc_ring_agent}rung" && echo 1<>"${rc_ring_agent}wake"; }
  done 2>/dev/null
}

# ---------------------------------------------------------------- launching

# launch RUN KIND: become the command, in a shell that setsid has started.
launch() {
  rc__kind=$2 rc__parent=$PPID rc__setsid=''
  rc_become "$1"
}

# rc_become RUN: the spec (the server's text) calls rc_cd and rc_ready, exports, and ends in exec.
rc_become() {
  rc__d=$RC_BASE/runs/$1
  rc__run=$1
  trap 'rc_failed $?' EXIT
  # shellcheck disable=SC3044  # in bash, a failed exec would leave without the trap
  [ -z "${BASH_VERSION-}" ] || shopt -s execfail
  # Read whole before it is wiped: a shell reads a script that it runs in blocks, as it needs them.
  rc__text=
  if [ "$rc__kind" = big ]; then
    rc__text=$(cat <"$rc__d/spec")
  else
    while IFS= read -r rc__line; do rc__text=$rc__text$rc__line$rc_nl; done <"$rc__d/spec"
  fi
  eval "$rc__text"
  rc_failed $?
}

rc_cd() {
  rc__at=permissionDenied
  [ -d "$1" ] || rc__at=workingDirNotADirectory
  [ -e "$1" ] || rc__at=workingDirNotFound
  CDPATH='' cd "$1" || exit 126
  rc__at=
}

# rc_ready: what only the launcher can know goes on record, then everything of ours is undone. An exec that may fail is seen by
# the name, which stands until it is done; that of a short command line is one of setsid and /bin/sh, which are there.
rc_ready() {
  stat self && now
  if [ "$rc__setsid" ]; then trap - EXIT; else { echo remotecmd:start >/proc/self/comm; } 2>/dev/null; fi
  echo "x ${rc_st%% *} $rc_st_start $rc_up $rc__parent x ." 1<>"$rc__d/pid"
  ring "$rc__run"
  true >"$rc__d/spec"
  umask "$RC_UMASK"
  case $RC_LC in =*) LC_ALL=${RC_LC#=} ;; *) unset LC_ALL ;; esac
  case $RC_SHLVL in =*) SHLVL=${RC_SHLVL#=} ;; *) unset SHLVL ;; esac
  rc__walk=$RC_BUSYBOX${KSH_VERSION-}
  unset OLDPWD _
  [ "$RC_PWD" ] || unset PWD
  unset RC_NONCE RC_OWNER RC_DIR RC_SH RC_WATCHDOG RC_LEASE RC_SPOOL RC_RUN_JOB RC_PUMP_JOB RC_FEED_JOB RC_STOP_JOB RC_TIDY_JOB RC_LAUNCH RC_BASE RC_UMASK RC_LC RC_SHLVL RC_PWD RC_CWD RC_NS RC_RUN RC_PRINT RC_BUSYBOX RC_SETSID
  exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-
} 2>/dev/null

# rc_find NAME PATH: `rc__program` = what to exec. busybox may run an applet of that name in its own process, as it is now,
# mksh a builtin or a function of ours, and bash takes a leading - for an option; only a path makes them exec. So the PATH
# that the user wants is walked for it.
rc_find() {
  rc__program=$1
  case $rc__walk/$1 in /[!-]*) return 0 ;; esac
  rc__rest=$2:
  while [ "$rc__rest" ]; do
    rc__program=${rc__rest%%:*}/$1
    rc__rest=${rc__rest#*:}
    [ ! -f "$rc__program" ] || [ ! -x "$rc__program" ] || return 0
  done
  rc__program=/nonexistent/$1
}

rc_failed() {
  trap - EXIT
  true >"$rc__d/spec"
  rc__why=${rc__at:-launchFailed}
  if [ -z "$rc__at" ]; then
    case $1 in 127) rc__why=executableNotFound ;; 126 | 2) rc__why=permissionDenied ;; esac
    [ "$1" = 127 ] || [ -z "$rc__big" ] || rc__why=argumentListTooLong
  fi
  echo "$rc__why" >"$rc__d/fail"
  exit "$1"
}

: end of what the launcher needs

# ---------------------------------------------------------------- a run: its supervisor

# claim FILE: make it; fails if somebody has.
claim() {
  set -C
  if true >"$1"; then rc_claimed=0; else rc_claimed=1; fi
  set +C
  return $rc_claimed
} 2>/dev/null

# supervise RUN: one run, from claim to end record.
supervise() {
  RC_RUN=$1
  cd "$RC_BASE/runs/$1" || return
  RC_LAUNCH=${RC_RUN_JOB%%: end of what the launcher needs*}
  read -r rc__kind rc_sup_streams rc_sup_timeout rc_sup_grace rc_sup_lease RC_LIMIT rc_sup_made <go
  claim claim || return # to be the only one who starts it (or sees to it that nobody does)
  now
  if [ $((${rc_up%.*} - ${rc_sup_made%.*})) -ge 10 ]; then # all was frozen: by now it is told to have failed, and there may be another
    true >spec
    echo "x 1 $rc_up noRecord x ." 1<>end
    ring "$1"
    sup_clean
    return
  fi
  rc_sup_pumps='' rc_sup_helpers=''
  trap 'sup_failed $?' EXIT
  sup_pump o <o &
  rc_sup_pumps=$!
  rc_sup_merge=$((rc_sup_streams & 1))
  if [ $rc_sup_merge = 0 ]; then
    sup_pump e <e &
    rc_sup_pumps="$rc_sup_pumps $!"
  fi
  if [ "$rc_sup_timeout" != 0 ]; then
    limit "$1" "$rc_sup_timeout" "$rc_sup_grace" &
    rc_sup_helpers=$!
  fi
  if [ "$rc_sup_lease" != - ]; then
    lease "$1" "$rc_sup_lease" "$rc_sup_grace" &
    rc_sup_helpers="$rc_sup_helpers $!"
  fi
  rc_sup_in=/dev/null
  if [ $((rc_sup_streams & 2)) != 0 ]; then
    rc_sup_in=i
    exec 6<>h # nobody else holds it: its end tells the feeder that we are gone
    sup_feed <h &
    rc_sup_helpers="$rc_sup_helpers $!"
  fi
  # In the foreground: a shell starts every & job with SIGINT and SIGQUIT ignored, and the command would inherit that.
  # Opened by the command itself: mksh would hold the streams of a (...) with redirections as long as that runs.
  if [ $rc_sup_merge = 1 ]; then
    (exec <"$rc_sup_in" >o 2>&1 && sup_launch "$1")
  else
    (exec <"$rc_sup_in" >o 2>e && sup_launch "$1")
  fi
  rc_sup_code=$?
  trap - EXIT
  now
  rc_sup_why=-
  { read -r rc_sup_why <fail; } 2>/dev/null
  flag pid
  [ "$rc_flag" ] || [ "$rc_sup_why" != - ] || rc_sup_why=launchFailed
  echo "x $rc_sup_code $rc_up $rc_sup_why x ." 1<>end
  ring "$RC_RUN"
  # shellcheck disable=SC2086  # to be split
  dismiss $rc_sup_helpers
  # shellcheck disable=SC2086  # to be split
  wait $rc_sup_pumps $rc_sup_helpers
  sup_clean
}

sup_pump() { eval "$RC_PUMP_JOB" && pump "$1"; }

sup_feed() { eval "$RC_FEED_JOB" && feed; }

# sup_clean: what only a live run needs.
sup_clean() { rm -f o e i h w.*; }

# sup_launch RUN: a short command line is started from here, by setsid: its /bin/sh is there, so that can't fail. Whatever
# may fail to exec gets a launcher of its own, which sees it; setsid would only exit with a status like any other.
sup_launch() {
  if [ "$rc__kind" = line ]; then
    rc__parent=$$ rc__setsid=$RC_SETSID
    rc_become "$1"
  fi
  export RC_LAUNCH
  exec "$RC_SETSID" "$RC_SH" -c 'eval "$RC_LAUNCH"; launch "$1" "$2"' remotecmd "$1" "$rc__kind"
}

# sup_failed CODE: the supervisor could not do its work (fork failed): say so, unless the command had started.
sup_failed() {
  trap - EXIT
  flag pid
  [ -z "$rc_flag" ] || exit 0
  now
  echo "x $1 $rc_up processLimit x ." 1<>end
  # shellcheck disable=SC2086  # to be split; pumps wait for somebody to open the FIFOs, and TERM is not the end of one
  kill -KILL $rc_sup_pumps $rc_sup_helpers
  ring "$RC_RUN"
  # shellcheck disable=SC2086  # to be split; with them gone there may be a process to be had
  wait $rc_sup_pumps $rc_sup_helpers
  sup_clean
  exit 0
}

# attend PROGRAM WORD...: run it; TERM ends that and us at any time, and it is reaped (PID 1 may not do it). The trap may run before
# any command that follows the fork, so no variable of ours can hold the pid; before the fork, $! is what it was.
attend() {
  rc_att_was=$!
  trap '[ "$!" = "$rc_att_was" ] || { kill -KILL $!; wait $!; }; exit 0' TERM
  "$@" &
  wait $!
  rc_att_rc=$?
  rc_att_was=$!
  return $rc_att_rc
}

doze() { attend sleep "$1"; }

# dismiss PID...: TERM until they are gone: mksh loses one that comes while a helper begins.
dismiss() {
  rc_dis_i=0
  while [ $rc_dis_i -lt 50 ]; do
    rc_dis_left=
    for rc_dis_p; do
      ! stat "$rc_dis_p" || [ "$rc_st_state" = Z ] || { kill "$rc_dis_p"; rc_dis_left=1; }
    done
    [ "$rc_dis_left" ] || return 0
    rc_dis_i=$((rc_dis_i + 1))
    [ $rc_dis_i -lt 5 ] || nap 0.01
  done
}

# limit RUN SECONDS GRACE_MS: stop the run when its time is up.
limit() {
  trap - EXIT
  doze "$2" || exit 0
  trap '' TERM # the supervisor ends us when the command ends; by then, others of its tree may be left to stop
  eval "$RC_STOP_JOB"
  stop_run "$1" TERM "$3" limit timeout
}

# lease RUN OWNER GRACE_MS: stop the run once its server has not pinged for RC_LEASE seconds, be it that it is gone or cut off.
lease() {
  trap - EXIT
  rc_lease_from=
  while :; do
    doze $((RC_LEASE / 6 + 1)) || exit 0
    flag "$RC_BASE/leases/$2"
    now
    [ -n "$rc_lease_from" ] || rc_lease_from=${rc_up%.*}
    [ $((${rc_up%.*} - ${rc_flag:-$rc_lease_from})) -lt "$RC_LEASE" ] || break
  done
  trap '' TERM
  eval "$RC_STOP_JOB"
  stop_run "$1" TERM "$3" lease disconnect
}

job() {
  split "$1"
  case $rc_f1 in
    run) supervise "$rc_f2" ;;
    tidy) eval "$RC_TIDY_JOB" && tidy start ;;
    *) eval "$RC_STOP_JOB" && "$rc_f1" "$rc_f2" "$rc_f3" "$rc_f4" "$rc_f5" "$rc_f6" ;;
  esac
  exit 0 # anything else than 0 may stop the spawner
} 2>/dev/null

: end of what a run needs

# ---------------------------------------------------------------- a run: its pumps

# pump STREAM: append stdin to segments until every writer is gone. It must not die while the command lives, and a dd that
# failed is not the end of the stream. (`true`, not `:`, makes files: a special builtin's failed redirection ends the shell.)
pump() {
  rc_pump_seg=0 rc_pump_size=0 rc_pump_last='- -' rc_pump_count=0 rc_pump_end='' rc_pump_k=0 rc_pump_lines=0 rc_pump_tidied=0
  rc_pump_stream=$1
  rc_pump_max=$((RC_LIMIT / 16)) # a segment is what is dropped at once
  [ $rc_pump_max -ge 64 ] || rc_pump_max=64
  [ $rc_pump_max -le 8192 ] || rc_pump_max=8192
  rc_pump_max=$((rc_pump_max * 1024))
  exec 7<&0 # to have it in the trap, where dash has undone the redirection of our call
  trap pump_again EXIT
  if [ "${RC_PUMP-}" ]; then pump_resume "$1" || { pump_over "$1"; return; }; fi
  while :; do
    rc_pump_was=$rc_pump_size
    rc_pump_text=$(exec dd bs=65536 count=1 2>&1 >>"$1.$rc_pump_seg")
    rc_pump_rc=$?
    pump_records
    if [ "$rc_pump_rc $rc_pump_in" = '0 1+0' ]; then
      rc_pump_size=$((rc_pump_size + 65536))
    elif [ "$rc_pump_rc $rc_pump_in" = '0 0+0' ]; then
      break
    elif [ $rc_pump_rc = 0 ] && [ "$rc_pump_bytes" ]; then
      rc_pump_size=$((rc_pump_size + rc_pump_bytes))
    else
      pump_measure "$1"
    fi
    now
    [ "$rc_pump_size" -eq "$rc_pump_was" ] || pump_journal "$1"
    if [ $rc_pump_rc != 0 ]; then
      if [ "$rc_pump_in" ] || ! true >>"$1.$rc_pump_seg"; then
        pump_drain "$1" || break
      else
        nap 0.05 # dd was killed, or could not be started
      fi
    elif [ $((rc_pump_size - rc_pump_seg)) -ge $rc_pump_max ]; then
      pump_segment "$1" "$rc_pump_size"
      pump_trim "$1"
    fi
    if [ "$rc_pump_in" = 1+0 ]; then pump_note "$1" "$rc_pump_size" B; else pump_note "$1" "$rc_pump_size" -; fi
    # A rest lets small writes come together. It is short enough for a pipe (64 KiB) not to fill up meanwhile; one of a user who has
    # very many holds 8 KiB.
    rc_pump_was=$((rc_pump_size - rc_pump_was))
    if [ $rc_pump_was -lt 2048 ]; then nap 0.02; elif [ $rc_pump_was -lt 8192 ]; then nap 0.005; fi
  done
  pump_over "$1"
} 2>/dev/null

pump_over() {
  trap - EXIT
  now
  pump_note "$1" "$rc_pump_size" E
}

# pump_again: many a shell that can't fork leaves at once, and without its pump the command would die of SIGPIPE. So another shell
# takes its place, with what it knew; it tries to fork first, so while there is no process to be had this turns in circles.
pump_again() {
  RC_PUMP="$rc_pump_seg $rc_pump_size ${rc_pump_end:--} $rc_pump_count $rc_pump_last"
  export RC_PUMP RC_RUN RC_LIMIT
  exec "$RC_SH" -c 'eval "$RC_RUN_JOB"; sup_pump "$1"' remotecmd "$rc_pump_stream" <&7
}

# pump_resume STREAM: what the pump before knew. It may have left between a dd and the look at what that wrote.
pump_resume() {
  # shellcheck disable=SC2086  # to be split
  set -- "$1" $RC_PUMP
  rc_pump_seg=$2 rc_pump_size=$3 rc_pump_end=${4#-} rc_pump_count=$5 rc_pump_last="$6 $7"
  nap 0.05
  if [ "$rc_pump_end" ]; then pump_drain "$1"; else pump_measure "$1"; fi
}

# pump_note STREAM SIZE FLAG: write down how far the stream is, and tell. Flags: B in the middle of a burst, E ended, F full.
pump_note() {
  rc_pump_count=$((rc_pump_count + 1))
  echo "$rc_pump_count $rc_pump_seg $2 $rc_up $3 $rc_pump_last $rc_pump_count ." 1<>"$1.n"
  ring "$RC_RUN"
}

# pump_segment STREAM END: go on in a new segment at pump_size; the old one ends at END (less, if bytes were dropped).
pump_segment() {
  echo "$rc_pump_seg $2" >>"$1.s"
  rc_pump_last="$rc_pump_seg $2"
  rc_pump_seg=$rc_pump_size
}

# pump_journal STREAM: what was read, when and in which order. The journal is cut into files of some hundred KiB, of which the last
# four are kept; each begins with how far both streams were.
pump_journal() {
  journal_at .
  [ "$rc_j" = "$rc_pump_k" ] || rc_pump_k=$rc_j rc_pump_lines=0
  echo "$rc_up $1 $rc_pump_size" >>"j.$rc_j"
  rc_pump_lines=$((rc_pump_lines + 1))
  [ $rc_pump_lines -ge "${RC_JOURNAL:-32768}" ] || return 0 # only tests set it
  rc_pump_k=$((rc_j + 1)) rc_pump_lines=0
  rc_pump_o=0 rc_pump_e=0
  read -r _ _ rc_pump_o _ <o.n
  read -r _ _ rc_pump_e _ <e.n
  if [ "$1" = o ]; then rc_pump_o=$rc_pump_size; else rc_pump_e=$rc_pump_size; fi
  echo "$rc_up O ${rc_pump_o:-0}$rc_nl$rc_up E ${rc_pump_e:-0}" >>"j.$rc_pump_k"
  echo "$rc_pump_k $rc_pump_k" 1<>j # the other pump may do the same just now
  rm -f "j.$((rc_pump_k - 4))"
}

# pump_kept STREAM: `kept` = the KiB of its ended segments, `kept_all` = " start:end ..." of them.
pump_kept() {
  rc_kept=0 rc_kept_all=
  while read -r rc_kept_a rc_kept_b; do
    [ -f "$1.$rc_kept_a" ] || continue
    rc_kept=$((rc_kept + (rc_kept_b - rc_kept_a) / 1024))
    rc_kept_all="$rc_kept_all $rc_kept_a:$rc_kept_b"
  done <"$1.s"
}

# pump_trim STREAM: when more than the run's limit is kept, the oldest segments go; those of the stream that has more, so that each
# is sure of half of the limit. A list loses lines by its own pump only, so it may name what is no more.
pump_trim() {
  pump_kept e
  rc_trim_e=$rc_kept rc_trim_e_all=$rc_kept_all
  pump_kept o
  rc_trim_o=$rc_kept rc_trim_o_all=$rc_kept_all rc_trim_rm=
  while [ $((rc_trim_o + rc_trim_e)) -gt "$RC_LIMIT" ]; do
    if [ $rc_trim_o -ge $rc_trim_e ]; then
      trim_first "$rc_trim_o_all"
      rc_trim_o_all=$rc_trim_rest rc_trim_o=$((rc_trim_o - rc_trim_kib)) rc_trim_rm="$rc_trim_rm o.$rc_trim_a"
    else
      trim_first "$rc_trim_e_all"
      rc_trim_e_all=$rc_trim_rest rc_trim_e=$((rc_trim_e - rc_trim_kib)) rc_trim_rm="$rc_trim_rm e.$rc_trim_a"
    fi
  done
  # shellcheck disable=SC2086  # to be split
  if [ "$rc_trim_rm" ]; then
    rm -f $rc_trim_rm
    [ "$1" = o ] || rc_trim_o_all=$rc_trim_e_all
    for rc_trim_a in $rc_trim_o_all; do echo "${rc_trim_a%:*} ${rc_trim_a#*:}"; done >"$1.t" && mv "$1.t" "$1.s"
  fi
  # To look at all runs takes two programs and some more time: a thirty-second of what they may keep is written in between.
  [ $((rc_pump_size - rc_pump_tidied)) -lt $((RC_SPOOL * 32)) ] || {
    rc_pump_tidied=$rc_pump_size
    (eval "$RC_TIDY_JOB" && tidy)
  }
}

# trim_first LIST: `trim_a`, its first segment, `trim_kib`, how much that is, and `trim_rest` of the list.
trim_first() {
  rc_trim_rest=${1# }
  rc_trim_a=${rc_trim_rest%% *}
  rc_trim_rest=${rc_trim_rest#"$rc_trim_a"}
  rc_trim_kib=$(((${rc_trim_a#*:} - ${rc_trim_a%:*}) / 1024))
  rc_trim_a=${rc_trim_a%:*}
}

# pump_records: pump_in = dd's "records in", pump_bytes = its byte count if it tells one (busybox may not). Found by their
# words: GNU's dd may warn first.
pump_records() {
  rc_pump_in=${rc_pump_text%% records in*}
  rc_pump_in=${rc_pump_in##*[!0-9+]}
  rc_pump_bytes=${rc_pump_text%% byte*}
  if [ "$rc_pump_bytes" = "$rc_pump_text" ]; then rc_pump_bytes=; else rc_pump_bytes=${rc_pump_bytes##*[!0-9]}; fi
}

# pump_measure STREAM: pump_size from the segment's length.
pump_measure() {
  rc_pump_ls=$(exec ls -ln "$1.$rc_pump_seg")
  set -f
  # shellcheck disable=SC2086  # to be split
  set -- $rc_pump_ls
  set +f
  [ -z "${5-}" ] || rc_pump_size=$((rc_pump_seg + $5))
  return 0
}

# pump_drain STREAM: no room. Keep reading, so that the command is neither blocked nor killed, count what is dropped, and go
# on in a new segment once there is room again. Fails at the end of the stream. The dd that failed had read a whole block, or
# at least one byte, that it could not write: if it was less than a block, nobody knows its length.
pump_drain() {
  if [ -z "$rc_pump_end" ]; then
    rc_pump_end=$rc_pump_size
    case $rc_pump_in in 1+0) rc_pump_size=$((rc_pump_was + 65536)) ;; 0+1) rc_pump_size=$((rc_pump_size + 1)) ;; esac
  fi
  rc_pump_state=0
  while :; do
    now
    pump_note "$1" "$rc_pump_end" F
    rc_pump_text=$({ echo "@$(dd bs=65536 count=1 2>&5 | wc -c)@"; } 5>&1)
    pump_records
    if [ "$rc_pump_in" = 0+0 ]; then
      rc_pump_state=1
      break
    fi
    rc_pump_bytes=${rc_pump_text#*@}
    rc_pump_bytes=${rc_pump_bytes%%@*}
    rc_pump_bytes=${rc_pump_bytes##* }
    [ -z "$rc_pump_in" ] || rc_pump_size=$((rc_pump_size + ${rc_pump_bytes:-0}))
    dd if=/dev/zero of="$1.probe" bs=131072 count=1 && break
    nap 0.02
  done
  rm -f "$1.probe"
  pump_segment "$1" "$rc_pump_end"
  rc_pump_end=
  return $rc_pump_state
}

: end of what a pump needs

# ---------------------------------------------------------------- a run: its feeder

# feed: give the command what arrives for its stdin, piece by piece, until that is closed, or nobody reads it any more, or the
# supervisor is gone; then the command reads the end of its stdin.
feed() {
  trap feed_over EXIT
  exec 6>&-
  exec 8>i 5<i.q # the first of these waits for the command
  stat self
  echo "x ${rc_st%% *} $rc_st_start x ." 1<>i.p
  rc_feed_rest=
  # shellcheck disable=SC2034  # what comes through the FIFO says nothing
  while feed_pieces && IFS= read -r rc_feed_byte; do :; done
  exit 0
} 2>/dev/null

# feed_pieces: all that is there; fails at the end of it. Whoever waits for room is told of each.
feed_pieces() {
  echo 0 1<>h.n
  while feed_line; do
    [ "$rc_feed_dot" = . ] && [ "$rc_feed_tag" != close ] || return 1
    attend cat "$rc_feed_file" >&8 || return 1
    trap - TERM
    rm -f "$rc_feed_file"
    flag i.w
    [ "$rc_flag" != 1 ] || { echo 0 1<>i.w && ring "$RC_RUN"; }
  done
  return 0
}

# feed_line: the next one of the list; half of one is kept until the rest comes.
feed_line() {
  IFS= read -r rc_feed_part <&5
  rc_feed_rc=$?
  rc_feed_rest=$rc_feed_rest$rc_feed_part
  [ $rc_feed_rc = 0 ] || return
  set -f
  # shellcheck disable=SC2086  # to be split
  set -- $rc_feed_rest
  set +f
  rc_feed_tag=${1-} rc_feed_file=${3-} rc_feed_dot=${4-} rc_feed_rest=
}

feed_over() {
  trap - EXIT
  exec 8>&-
  echo 1 1<>i.c
  ring "$RC_RUN"
  exit 0
}

: end of what feeding needs

# ---------------------------------------------------------------- stopping

# processes: `rc_all` = pid:ppid:pgrp:session:start of everything that is no zombie.
processes() {
  rc_all=$(sed -n 's/^\([0-9]*\) (.*) [^ZX] \([0-9]*\) \([0-9]*\) \([0-9]*\) \([-0-9]* \)\{15\}\([0-9]*\) .*/\1:\2:\3:\4:\6/p' /proc/[0-9]*/stat)
  [ -z "$rc_all" ] || return 0
  for rc_all_p in /proc/[0-9]*; do # no sed here; reading a byte at a time takes longer
    stat "${rc_all_p#/proc/}" || continue
    case $rc_st_state in Z | X) continue ;; esac
    rc_all="$rc_all ${rc_all_p#/proc/}:$rc_st_ppid:$rc_st_pgrp:$rc_st_sid:$rc_st_start"
  done
} 2>/dev/null

# members LEADER START: `rc_found` = " pid:start ..." of everything that belongs to the run: its session and group, their
# descendants, and whatever carries its mark in the environment (gone from the group by setsid, and orphaned).
members() {
  rc_found=
  processes
  rc_mem_set=" $1 "
  rc_mem_marked=" $(grep -lzxF -f mark /proc/[0-9]*/environ 2>/dev/null | tr '\n' ' ')"
  rc_mem_again=1
  while [ $rc_mem_again = 1 ]; do
    rc_mem_again=0
    rc_mem_rest=
    for rc_mem_p in $rc_all; do
      rc_mem_pid=${rc_mem_p%%:*}
      rc_mem_ppid=${rc_mem_p#*:}
      rc_mem_is=0
      case $rc_mem_set in *" ${rc_mem_ppid%%:*} "*) rc_mem_is=1 ;; esac
      case $rc_mem_marked in *" /proc/$rc_mem_pid/environ "*) rc_mem_is=1 ;; esac
      case $rc_mem_p in "$1":* | *:*:"$1":*:* | *:*:*:"$1":*) rc_mem_is=1 ;; esac
      if [ $rc_mem_is = 0 ] || [ "${rc_mem_p##*:}" -lt "$2" ]; then
        rc_mem_rest="$rc_mem_rest $rc_mem_p"
      else
        rc_found="$rc_found $rc_mem_pid:${rc_mem_p##*:}"
        rc_mem_set="$rc_mem_set$rc_mem_pid "
        rc_mem_again=1
      fi
    done
    rc_all=$rc_mem_rest
  done
}

# alive_of LIST: `alive` = those of "pid:start ..." that are still there.
alive_of() {
  rc_alive=
  for rc_alive_p in $1; do
    ! is_live "${rc_alive_p%:*}" "${rc_alive_p#*:}" || rc_alive="$rc_alive $rc_alive_p"
  done
}

# signal_all SIGNAL LEADER LIST: the group in one call, so that no child slips through; then each that left the group.
signal_all() {
  kill "-$1" "-$2" 2>/dev/null
  for rc_sig_p in $3; do
    stat "${rc_sig_p%:*}" && [ "$rc_st_start" = "${rc_sig_p#*:}" ] && [ "$rc_st_pgrp" != "$2" ] && kill "-$1" "${rc_sig_p%:*}" 2>/dev/null
  done
}

# stop_run RUN SIGNAL GRACE_MS JOB REASON: signal the tree, wait, kill what is left, leave a verdict in v.JOB.
stop_run() {
  cd "$RC_BASE/runs/$1" || return
  claim "c.$4" || [ ! -e "c.$4" ] || return # asked for again, since the channel was lost: the first one goes on
  now
  rc_stop_t0=${rc_up%.*}${rc_up#*.}
  rc_stop_signalled=0 rc_stop_escalated=0 rc_stop_count=0
  read_pid .
  rc_stop_leader=$rc_pid rc_stop_start=$rc_pid_start
  if [ -z "$rc_stop_leader" ]; then
    # Not started yet: take the claim, or wait for who has it.
    if claim claim; then
      true >spec
      echo "x 143 $rc_up stoppedBeforeStart x ." 1<>end
    else
      rc_stop_i=0
      while [ -z "$rc_stop_leader" ] && flag end && [ -z "$rc_flag" ] && [ $rc_stop_i -lt 100 ]; do
        nap 0.02
        rc_stop_i=$((rc_stop_i + 1))
        read_pid .
        rc_stop_leader=$rc_pid rc_stop_start=$rc_pid_start
      done
    fi
  fi
  rc_found=
  [ -z "$rc_stop_leader" ] || members "$rc_stop_leader" "$rc_stop_start"
  if [ "$rc_found" ]; then
    flag end
    [ "$rc_flag" ] || echo "$2 $rc_up $5 $2 ." 1<>stop
    ring "$1"
    rc_stop_signalled=1
    rc_stop_all=$rc_found
    signal_all "$2" "$rc_stop_leader" "$rc_found"
    [ "$2" = KILL ] || signal_all CONT "$rc_stop_leader" "$rc_found"
    rc_stop_until=$((rc_stop_t0 + $3 / 10))
    while :; do
      alive_of "$rc_stop_all"
      [ "$rc_alive" ] || { members "$rc_stop_leader" "$rc_stop_start"; rc_alive=$rc_found; stop_new; }
      [ "$rc_alive" ] || break
      now
      if [ "${rc_up%.*}${rc_up#*.}" -ge $rc_stop_until ]; then
        [ $rc_stop_escalated = 0 ] || break
        rc_stop_escalated=1
        members "$rc_stop_leader" "$rc_stop_start"
        stop_new
        flag end
        [ "$rc_flag" ] || echo "KILL $rc_up $5 KILL ." 1<>stop
        signal_all KILL "$rc_stop_leader" "$rc_found"
        rc_stop_until=$((${rc_up%.*}${rc_up#*.} + 300))
      fi
      nap 0.01
    done
    rc_stop_count=0
    for rc_stop_p in $rc_stop_all; do rc_stop_count=$((rc_stop_count + 1)); done
    rc_stop_left=$rc_alive
    rc_stop_i=0
    while flag end && [ -z "$rc_flag" ] && [ $rc_stop_i -lt 100 ]; do
      is_live "$rc_stop_leader" "$rc_stop_start" && break
      nap 0.01
      rc_stop_i=$((rc_stop_i + 1))
    done
  else
    rc_stop_left=
  fi
  rc_stop_pids=
  for rc_stop_p in $rc_stop_left; do rc_stop_pids=$rc_stop_pids,${rc_stop_p%:*}; done
  now
  rc_stop_said="$rc_stop_signalled $rc_stop_escalated $rc_stop_count $(((${rc_up%.*}${rc_up#*.} - rc_stop_t0) * 10)) ${rc_stop_pids:--} ."
  # On a full disk there is a place for one verdict.
  echo "$rc_stop_said" >"v.$4" || { mv v "v.$4" && echo "$rc_stop_said" 1<>"v.$4"; }
  ring "$1"
} 2>/dev/null

# stop_new: count members that came up meanwhile, and send them the signal too.
stop_new() {
  for rc_stop_p in $rc_found; do
    case " $rc_stop_all " in
      *" $rc_stop_p "*) ;;
      *)
        rc_stop_all="$rc_stop_all $rc_stop_p"
        [ "$rc_stop_escalated" = 0 ] || kill -KILL "${rc_stop_p%:*}"
        ;;
    esac
  done
}

# read_pid DIR: the pid record of a run: `rc_pid`, its start, when that was, and its supervisor; empty if there is none yet.
read_pid() {
  rc_s_t='' rc_s_u='' rc_s_dot=''
  { read -r rc_s_t rc_pid rc_pid_start rc_pid_at rc_pid_parent rc_s_u rc_s_dot <"$1/pid"; } 2>/dev/null
  [ "$rc_s_t$rc_s_u$rc_s_dot" = xx. ] || rc_pid='' rc_pid_start='' rc_pid_at=''
}

# end_group PID: kill an agent's processes; its supervisors, pumps and spawner are in sessions of their own.
end_group() {
  if stat "$1" && [ "$rc_st_pgrp" != "$1" ]; then kill -KILL "$1"; else kill -KILL "-$1"; fi
} 2>/dev/null

# end_main MAIN LOOP: let a leaving agent's first process reap the request loop, then end it, unless it ends by itself because
# the spawner (our parent) has no other job left. So only the spawner can be orphaned: a PID 1 that doesn't reap keeps
# one zombie for each agent whose commands outlived it.
end_main() {
  rc_end_i=0
  while stat "$2" && [ "$rc_st_state" != Z ] && [ $rc_end_i -lt 500 ]; do # a disk may be busy while it tidies up
    nap 0.01
    rc_end_i=$((rc_end_i + 1))
  done
  for rc_end_p in /proc/[0-9]*; do
    [ "$rc_end_p" != /proc/$$ ] && stat "${rc_end_p#/proc/}" && [ "$rc_st_ppid" = "$PPID" ] && [ "$rc_st_state" != Z ] || continue
    end_group "$1"
    return
  done
}

: end of what a stop needs

# ---------------------------------------------------------------- removing what is old

# tidy [start]: when more than RC_SPOOL KiB are kept here, the oldest ended runs go, and if that is not enough, the oldest segments
# of all. At a start, also runs that nobody will ask for any more: of an exec, or not the newest of their command; and the oldest of
# more than 500. What somebody hears of, and what has just ended, stays.
tidy() {
  cd "$RC_BASE" || return
  rc_tidy_kib=$(exec du -sk runs)
  rc_tidy_kib=${rc_tidy_kib%%[!0-9]*}
  rc_tidy_over=$((${rc_tidy_kib:-0} - RC_SPOOL))
  [ "${1-}" ] || [ $rc_tidy_over -gt 0 ] || return 0
  now
  rc_tidy_runs='' rc_tidy_count=0
  # shellcheck disable=SC2045  # our own names
  for rc_tidy_f in $(exec ls -tr runs/*/end); do # the oldest record first
    rc_tidy_end=
    read -r _ _ rc_tidy_end _ <"$rc_tidy_f"
    [ "$rc_tidy_end" ] || continue
    rc_tidy_f=${rc_tidy_f%/end}
    rc_tidy_runs="$rc_tidy_runs ${rc_tidy_f#runs/}:$((${rc_up%.*} - ${rc_tidy_end%.*}))"
    rc_tidy_count=$((rc_tidy_count + 1))
  done
  for rc_tidy_f in $rc_tidy_runs; do
    tidy_run "${rc_tidy_f%:*}" "${rc_tidy_f##*:}"
  done
  [ $rc_tidy_over -le 0 ] || tidy_segments
} 2>/dev/null

# tidy_run RUN AGE: put away an ended run if it is to go.
tidy_run() {
  rc_tidy_dot=
  read -r rc_tidy_id _ _ _ _ _ _ rc_tidy_key rc_tidy_n _ rc_tidy_dot <"runs/$1/meta"
  [ "$rc_tidy_dot" = . ] && [ "$2" -ge 60 ] && ! is_heard "$1" || return 0
  if [ "$rc_tidy_over" -le 0 ] && [ "$rc_tidy_count" -le 500 ]; then
    [ "$2" -ge 600 ] || return 0
    case $rc_tidy_id in _*) ;; *) [ -e "ids/$rc_tidy_key.$((rc_tidy_n + 1))" ] || return 0 ;; esac
  fi
  rc_tidy_kib=$(exec du -sk "runs/$1")
  put_away "$1" "ids/$rc_tidy_key.$rc_tidy_n"
  rc_tidy_over=$((rc_tidy_over - ${rc_tidy_kib%%[!0-9]*}))
  rc_tidy_count=$((rc_tidy_count - 1))
}

# tidy_segments: the oldest ended segments go until it is no more than RC_SPOOL. Not every ls tells fractions of a second apart, so
# it says only whose turn it is; within a stream the order is that of the offsets.
tidy_segments() {
  # shellcheck disable=SC2012  # our own names
  exec ls -tr runs/*/[oe].[0-9]* | while read -r rc_tidy_f && [ "$rc_tidy_over" -gt 0 ]; do
    rc_tidy_f=${rc_tidy_f%.*} rc_tidy_a=''
    while read -r rc_tidy_a rc_tidy_b && [ ! -f "$rc_tidy_f.$rc_tidy_a" ]; do :; done <"$rc_tidy_f.s"
    [ "$rc_tidy_a" ] || continue
    rm -f "$rc_tidy_f.$rc_tidy_a"
    rc_tidy_over=$((rc_tidy_over - (rc_tidy_b - rc_tidy_a) / 1024))
  done
}

# is_heard RUN: an agent has a bell for it that is not muted.
is_heard() {
  for rc_heard_b in agents/*/b/"$1"; do
    flag "$rc_heard_b"
    case $rc_flag in 0 | 1) return 0 ;; esac
  done
  return 1
}

# put_away RUN FILE: out of sight first, then away, with its bells and the file that names it.
put_away() { mv "runs/$1" "gone.$1" && rm -rf "gone.$1" "$2" agents/*/b/"$1"; } 2>/dev/null

: end of what tidying needs

# ---------------------------------------------------------------- what the agent tells

# snap RUN: `snap` = the facts of a run in one line; the server draws the conclusions (handlers/lifecycle.py).
# run key n id runid hash merge epoch made title | pid start started life | code ended why | stop: signal at reason | o: seg size at flag, last segment's start and end | e: same
snap() {
  rc_snap_d=$RC_BASE/runs/$1
  rc_s_dot=''
  { read -r rc_s_id rc_s_run rc_s_hash rc_s_merge rc_s_epoch rc_s_made rc_s_ns rc_s_key rc_s_n rc_s_title rc_s_dot <"$rc_snap_d/meta"; } 2>/dev/null
  [ "$rc_s_dot" = . ] || return 1
  rc_s_life=-
  read_pid "$rc_snap_d"
  snap_end
  if [ "$rc_s_ns" != "$RC_NS" ]; then
    rc_s_life=F
  elif [ "$rc_pid" ]; then
    rc_s_life=G
    if [ "$rc_s_code" != - ]; then
      : # then whether it is alive does not matter
    elif is_live "$rc_pid" "$rc_pid_start"; then
      rc_s_life=A
      [ "$rc_st_comm" != remotecmd:start ] || rc_s_life=L # not the command yet: exec gives it a name
    else
      case $rc_st/$rc_st_start in /*) ;; */"$rc_pid_start") rc_s_life=Z ;; *) rc_s_life=R ;; esac
      # Its supervisor is about to write that down; younger than the command, it is another process with that pid.
      ! stat "$rc_pid_parent" || [ "$rc_st_state" = Z ] || [ "$rc_st_start" -gt "$rc_pid_start" ] || rc_s_life=E
      snap_end # after that look: who was gone has left it before
    fi
  fi
  rc_s_t='' rc_s_sig=- rc_s_sat=- rc_s_swhy=-
  { read -r rc_s_t rc_s_a rc_s_b rc_s_u rc_s_dot <"$rc_snap_d/stop"; } 2>/dev/null
  [ -z "$rc_s_t" ] || [ "$rc_s_dot" != . ] || [ "$rc_s_t" != "$rc_s_u" ] || rc_s_sig=$rc_s_t rc_s_sat=$rc_s_a rc_s_swhy=$rc_s_b
  rc_snap="$1 $rc_s_key $rc_s_n $rc_s_id $rc_s_run $rc_s_hash $rc_s_merge $rc_s_epoch $rc_s_made $rc_s_title"
  rc_snap="$rc_snap ${rc_pid:--} ${rc_pid_start:--} ${rc_pid_at:--} $rc_s_life $rc_s_code $rc_s_end $rc_s_why $rc_s_sig $rc_s_sat $rc_s_swhy"
  snap_stream "$rc_snap_d/o.n"
  snap_stream "$rc_snap_d/e.n"
}

# snap_end: the end record.
snap_end() {
  rc_s_t='' rc_s_u='' rc_s_dot='' rc_s_code=- rc_s_end=- rc_s_why=-
  { read -r rc_s_t rc_s_a rc_s_b rc_s_c rc_s_u rc_s_dot <"$rc_snap_d/end"; } 2>/dev/null
  [ "$rc_s_t$rc_s_u$rc_s_dot" != xx. ] || rc_s_code=$rc_s_a rc_s_end=$rc_s_b rc_s_why=$rc_s_c
}

# snap_stream FILE: what a pump wrote down. It writes while this reads a byte at a time: a torn line is read again.
snap_stream() {
  rc_s_i=0
  while [ $rc_s_i -lt 20 ]; do
    rc_s_i=$((rc_s_i + 1)) rc_s_t='' rc_s_u='' rc_s_dot=''
    { read -r rc_s_t rc_s_a rc_s_b rc_s_c rc_s_g rc_s_x rc_s_y rc_s_u rc_s_dot <"$1"; } 2>/dev/null
    [ "$rc_s_t" ] || break
    if [ "$rc_s_t$rc_s_dot" = "$rc_s_u." ]; then
      rc_snap="$rc_snap $rc_s_a $rc_s_b $rc_s_c $rc_s_g $rc_s_x $rc_s_y"
      return
    fi
  done
  rc_snap="$rc_snap 0 0 - - - -"
}

# watch: wait on the FIFO, look at every bell that is set, tell the server.
watch() {
  rc_watch_spin=0
  # shellcheck disable=SC2034  # what comes through the FIFO says nothing
  while read -r rc_watch_byte; do
    echo 0 1<>"$RC_ME/rung"
    rc_watch_out='' rc_watch_again='' rc_watch_burst=''
    for rc_watch_b in "$RC_ME"/b/*; do
      flag "$rc_watch_b"
      [ "$rc_flag" = 1 ] || continue
      echo 0 1<>"$rc_watch_b"
      snap "${rc_watch_b##*/}" || continue
      # The record is there, the exec is not done: look again until the launcher is the command, or has failed.
      if [ "$rc_s_life" = L ]; then
        watch_exec "$rc_pid"
        rc_watch_again=1
        echo 1 1<>"$rc_watch_b"
        continue
      fi
      [ ${#rc_watch_out} -lt 3200 ] || { printf '%s' "$rc_watch_out" >&4; rc_watch_out=; }
      rc_watch_out="$rc_watch_out$RC_NONCE run $rc_snap$rc_nl"
      case $rc_snap in *' B '*) rc_watch_burst=1 ;; esac
    done
    [ -z "$rc_watch_out" ] || printf '%s' "$rc_watch_out" >&4
    if [ "$rc_watch_again" ]; then
      rc_watch_spin=$((rc_watch_spin + 1))
      [ $rc_watch_spin -lt 3 ] || nap 0.005
      echo >&9
    else
      rc_watch_spin=0
      [ -z "$rc_watch_burst" ] || nap 0.01 # let some of a burst come together: fewer notices, larger windows
    fi
  done <&9
}

# watch_exec PID: until it is no launcher any more, but not for long.
watch_exec() {
  rc_watch_i=0 rc_watch_comm=remotecmd:start
  while [ "$rc_watch_comm" = remotecmd:start ] && [ $rc_watch_i -lt 100 ]; do
    rc_watch_i=$((rc_watch_i + 1))
    read -r rc_watch_comm <"/proc/$1/comm" || return 0
  done
} 2>/dev/null

# watchdog: an agent whose server is gone without a word may be blocked in a write for ever, and one whose first process was
# killed has nobody to end it: see to both.
watchdog() {
  rc_dog_last=
  while :; do
    doze "$RC_WATCHDOG"
    flag "$RC_ME/served"
    if [ "$rc_flag" = "$rc_dog_last" ] || ! is_live "$RC_MAIN" "$RC_MAIN_START"; then
      drop "$RC_ME"
      kill -KILL "$RC_WATCH"
      end_group "$RC_MAIN"
      exit 0
    fi
    rc_dog_last=$rc_flag
  done
}

# ---------------------------------------------------------------- requests (one line each; the server quotes)
# From here on the working directory is the base: what is given to a program is given by a relative name, since the base may
# be one that the user chose.

# reply ID COUNT WORD...: the header of a reply; COUNT raw bytes follow it.
reply() { printf '%s\n' "$RC_NONCE $*" >&3; }

# ping ID: an agent that has lost a part of itself, for somebody killed it, leaves: the server opens another.
ping() {
  now
  [ -z "$rc_leased" ] || echo "${rc_up%.*}" 1<>"leases/$RC_OWNER"
  reply "$1" 0 "$rc_up"
  is_live "$RC_WATCH" "$RC_WATCH_START" && is_live "$RC_DOG" "$RC_DOG_START" || rc_broken=1
}

# spawn JOB: have the spawner do it. If that was killed, whoever asked gets no reply but the end of the stream, and asks again.
spawn() {
  rc_spawned=1
  echo "$1" || rc_broken=1
}

# put ID TEXT: a part of the spec of start ID; other requests may come between the parts.
put() { eval "rc_put_$1=\${rc_put_$1-}\$2"; }

# latest KEY: `n` = the number of its newest run, 0 if none; `run` = its directory, empty while it is being named.
latest() {
  rc_n=0 rc_run=
  for rc_latest_f in ids/"$1".*; do
    rc_latest_f=${rc_latest_f##*.}
    case $rc_latest_f in *[!0-9]*) continue ;; esac
    [ "$rc_latest_f" -le "$rc_n" ] || rc_n=$rc_latest_f
  done
  [ "$rc_n" = 0 ] || { rc_s_dot='' && read -r rc_run rc_s_dot <"ids/$1.$rc_n"; } 2>/dev/null
  [ "$rc_s_dot" = . ] || rc_run=
}

# bell RUN: hear of it from now on.
bell() {
  flag "$RC_ME/b/$1"
  case $rc_flag in 0 | 1) ;; *) echo 0 1<>"$RC_ME/b/$1" ;; esac
}

# find_run RUNID: `run` = the run that a client named so.
find_run() {
  for rc_find_m in runs/*/meta; do
    rc_find_id=
    { read -r _ rc_find_id _ <"$rc_find_m"; } 2>/dev/null
    [ "$rc_find_id" = "$1" ] || continue
    rc_find_m=${rc_find_m%/meta}
    rc_run=${rc_find_m##*/}
    return 0
  done
  return 1
}

# prepare: `spares` = directories in each of which a run can start, with all that takes time to make, and their bells; several,
# for two programs make them all. The records hold a line, so that they have a block of the disk. Fails with `prepare_error`
# full or storage.
prepare() {
  rc_spares=
  # shellcheck disable=SC2034  # it only counts
  for rc_prepare_i in 1 2 3 4; do
    rc_prepared=$((${rc_prepared-0} + 1))
    rc_spares="$rc_spares$RC_OWNER.$$.$RC_MAIN_START.$rc_prepared " # never that of an agent which had our pid before
  done
  echo "$rc_spares" 1<>"$RC_ME/spare"
  set --
  for rc_prepare_r in $rc_spares; do set -- "$@" "runs/$rc_prepare_r"; done
  rc_prepare_d=$1
  rc_prepare_error=$(exec mkdir "$@" 2>&1) && prepare_records && {
    set --
    for rc_prepare_r in $rc_spares; do set -- "$@" "runs/$rc_prepare_r/o" "runs/$rc_prepare_r/e"; done
    rc_prepare_error=$(exec mkfifo "$@" 2>&1)
  } && return
  if [ -d "$rc_prepare_d" ] || is_full "$rc_prepare_error"; then rc_prepare_error=full; else rc_prepare_error=storage; fi
  unprepare
  return 1
}

prepare_records() {
  for rc_prepare_r in $rc_spares; do
    for rc_prepare_f in pid end stop v o.n e.n j; do
      echo >"runs/$rc_prepare_r/$rc_prepare_f" || return
    done
    bell "$rc_prepare_r" || return
  done
} 2>/dev/null

# unprepare: a directory that can't be used says that the others can't be either.
unprepare() {
  set --
  for rc_prepare_r in $rc_spares; do set -- "$@" "runs/$rc_prepare_r" "$RC_ME/b/$rc_prepare_r"; done
  rc_spares=
  [ $# = 0 ] || rm -rf "$@"
}

# start ID KEY COMMAND_ID RUN_ID HASH NAMED STREAMS TIMEOUT GRACE_MS EPOCH KIND TITLE LEASED LIMIT_KIB: make a new run and start it, unless RUN_ID is
# known (NAMED: 1 when the client chose it) or a run of the key is live: then `exists`, and the server decides. STREAMS: 1 for stderr
# that goes to stdout, 2 for a stdin that can be written, 3 for both.
start() {
  rc_start_text=
  eval "rc_start_text=\${rc_put_$1-}; unset rc_put_$1"
  rc_start_seen=0 rc_start_tries=0
  while :; do
    if [ "$6" = 1 ] && find_run "$4"; then
      start_known "$1" && return
    fi
    latest "$2"
    if [ "$rc_n" != 0 ] && [ ! -s "runs/$rc_run/meta" ]; then
      # Somebody is making it right now; who is no longer at it after 3 s has died.
      [ "$rc_start_seen" = "$rc_n" ] || rc_start_seen=$rc_n rc_start_wait=0
      if [ "$rc_start_wait" -lt 150 ]; then
        rc_start_wait=$((rc_start_wait + 1))
        nap 0.02
        continue
      fi
    elif [ "$rc_n" != 0 ] && is_current; then # only now: before it has its meta it is nothing to look at
      start_known "$1" && return
    fi
    [ "$rc_spares" ] || prepare || { reply "$1" 0 error "$rc_prepare_error"; return; }
    rc_n=$((rc_n + 1))
    ! claim "ids/$2.$rc_n" || break
    [ -e "ids/$2.$rc_n" ] || { reply "$1" 0 error full; return; }
    rc_start_tries=$((rc_start_tries + 1)) # somebody was faster: look again, but not for ever
    [ $rc_start_tries -lt 100 ] || { reply "$1" 0 error storage; return; }
  done
  now
  rc_run=${rc_spares%% *}
  if start_files "$@"; then
    rc_spares=${rc_spares#* }
    spawn "run:$rc_run"
    rc_snap="$rc_run $2 $rc_n $3 $4 $5 $7 ${10} $rc_up ${12} - - - - - - - - - - 0 0 - - - - 0 0 - - - -"
    start_say "$1" created
    [ "$rc_spares" ] || prepare # for the next ones
    rc_starts=$((rc_starts + 1))
    [ $((rc_starts % 64)) != 1 ] || spawn tidy
  else
    unprepare
    rm -f "ids/$2.$rc_n"
    reply "$1" 0 error full
  fi
}

# start_files: what is known only now; `meta` last.
start_files() {
  rc_start_d=runs/$rc_run rc_start_kind=${11} rc_start_lease=-
  [ ${#rc_start_text} -le 4096 ] || rc_start_kind=big
  if [ "${13}" = 1 ]; then # this server's pings keep the run alive
    rc_leased=1 rc_start_lease=$RC_OWNER
    echo "${rc_up%.*}" 1<>"leases/$RC_OWNER" || return
  fi
  if [ $(($7 & 2)) != 0 ]; then
    mkfifo "$rc_start_d/i" "$rc_start_d/h" || return
    for rc_start_f in i.p i.c i.w h.n; do echo >"$rc_start_d/$rc_start_f" || return; done
    true >"$rc_start_d/i.q" || return
  fi
  echo "$rc_run ." 1<>"ids/$2.$rc_n" && printf '%s\n' "$rc_start_text" >"$rc_start_d/spec" &&
    echo "REMOTECMD_RUN_ID=$4" >"$rc_start_d/mark" &&
    echo "$rc_start_kind $7 $8 $9 $rc_start_lease ${14} $rc_up" >"$rc_start_d/go" &&
    echo "$3 $4 $5 $7 ${10} $rc_up $RC_NS $2 $rc_n ${12} ." >"$rc_start_d/meta"
} 2>/dev/null

# start_known: answer with the run. If it has no record, it is asked for again because its spawner may have died: hand it
# to our own; the claim lets only one of them have it.
start_known() {
  bell "$rc_run"
  snap "$rc_run" || return
  if [ -z "$rc_pid" ] && [ "$rc_s_code$rc_s_life" = -- ]; then spawn "run:$rc_run"; fi
  start_say "$1" exists
}

start_say() {
  reply "$1" $((${#rc_snap} + 1)) "$2"
  printf '%s\n' "$rc_snap" >&3
}

# is_current: the run occupies its id: it is alive, or was made less than 10 s ago and may still get its record.
is_current() {
  snap "$rc_run" || return
  case $rc_s_code/$rc_s_life in
    -/[ALE]) return 0 ;;
    -/-) now && [ $((${rc_up%.*} - ${rc_s_made%.*})) -lt 10 ] ;;
    *) return 1 ;;
  esac
}

# status ID [KEY]: the facts of the newest run of KEY, or of every key; lines.
status() {
  rc_status_out=
  if [ "${2-}" ]; then
    latest "$2"
    [ "$rc_n" = 0 ] || { snap "$rc_run" && rc_status_out=$rc_snap$rc_nl; }
  else
    for rc_status_d in runs/*/; do
      rc_status_d=${rc_status_d%/}
      snap "${rc_status_d##*/}" && rc_status_out=$rc_status_out$rc_snap$rc_nl
    done
  fi
  reply "$1" ${#rc_status_out} ok
  [ -z "$rc_status_out" ] || printf '%s' "$rc_status_out" >&3
}

# hear ID RUN: ring me about this run; answers with its facts as they are after the bell hangs.
hear() {
  { bell "$2"; } 2>/dev/null || { reply "$1" 0 error full; return; }
  if snap "$2"; then start_say "$1" ok; else reply "$1" 0 error gone; fi
}

# unhear ID RUN: the bell is muted at once (-); muted bells are taken down many at a time, for that takes a process.
unhear() {
  echo - 1<>"$RC_ME/b/$2"
  reply "$1" 0 ok
  rc_muted="$rc_muted $2"
  set -f
  # shellcheck disable=SC2086  # to be split
  set -- $rc_muted
  set +f
  [ $# -ge 50 ] || return 0
  rc_muted=
  for rc_unhear_b; do
    shift
    flag "$RC_ME/b/$rc_unhear_b"
    [ "$rc_flag" != - ] || set -- "$@" "$RC_ME/b/$rc_unhear_b"
  done
  rm -f "$@"
} 2>/dev/null

# window ID RUN FILE OFFSET COUNT [WORD]: raw bytes of a segment. Opened before it is announced.
window() {
  rc_window_ok=
  {
    reply "$1" "$5" ok ${6+"$6"}
    rc_window_ok=1
    if [ "$RC_DD" ]; then
      dd iflag=skip_bytes,count_bytes bs=65536 skip="$4" count="$5" >&3
    else
      # Both dd share the file's offset: the first one seeks, the second one reads.
      [ "$4" = 0 ] || dd bs="$4" skip=1 count=0 >&3
      head -c "$5" >&3
    fi
  } 2>/dev/null <"runs/$2/$3"
  [ "$rc_window_ok" ] || reply "$1" 0 error gone
}

# lines ID RUN FILE: a small text file.
lines() {
  rc_lines_out=
  { while IFS= read -r rc_lines_l; do rc_lines_out=$rc_lines_out$rc_lines_l$rc_nl; done; } 2>/dev/null <"runs/$2/$3"
  reply "$1" ${#rc_lines_out} ok
  [ -z "$rc_lines_out" ] || printf '%s' "$rc_lines_out" >&3
}

# segments ID RUN STREAM: start and end of its ended segments that are there; of an empty one that it was.
segments() {
  rc_lines_out=
  while read -r rc_seg_a rc_seg_b; do
    [ "$rc_seg_a" = "$rc_seg_b" ] || [ -f "runs/$2/$3.$rc_seg_a" ] || continue
    rc_lines_out="$rc_lines_out$rc_seg_a $rc_seg_b$rc_nl"
  done 2>/dev/null <"runs/$2/$3.s"
  reply "$1" ${#rc_lines_out} ok
  [ -z "$rc_lines_out" ] || printf '%s' "$rc_lines_out" >&3
}

# journal ID RUN K OFFSET MAX: at most MAX bytes of its file K from OFFSET on; the reply tells which file is the newest.
journal() {
  journal_at "runs/$2"
  rc_journal_n=0
  { rc_journal_n=$(wc -c); } 2>/dev/null <"runs/$2/j.$3"
  rc_journal_n=$((rc_journal_n - $4))
  [ $rc_journal_n -le "$5" ] || rc_journal_n=$5
  if [ "$rc_journal_n" -gt 0 ]; then window "$1" "$2" "j.$3" "$4" "$rc_journal_n" "$rc_j"; else reply "$1" 0 ok "$rc_j"; fi
}

# stop ID RUN SIGNAL GRACE_MS JOB REASON: done by a job of the spawner, so that it goes on without us.
stop() {
  bell "$2"
  spawn "stop_run:$2:$3:$4:$5:$6"
  [ "$rc_broken" ] || reply "$1" 0 ok
}

# signal ID RUN SIGNAL SCOPE: to the process group of a run, or to its first process only (leader). What has ended gets none.
signal() {
  read_pid "runs/$2"
  if [ "$rc_pid" ] && is_live "$rc_pid" "$rc_pid_start"; then
    now
    flag "runs/$2/stop"
    # It is on record, so that an end by it can be told; a stop that is under way says more.
    case $rc_flag in '' | *' signal '*) echo "$3 $rc_up signal $3 ." 1<>"runs/$2/stop" ;; esac
    [ "$4" != leader ] && kill "-$3" "-$rc_pid" || kill "-$3" "$rc_pid"
  fi
  reply "$1" 0 ok
} 2>/dev/null

# deaf RUN: why a run takes no input: `rc_deaf` is none (it has no such stdin), ended or closed. Fails if it takes some.
deaf() {
  rc_deaf=none
  [ -e "runs/$1/i.q" ] || return 0
  rc_deaf=ended
  flag "runs/$1/end"
  [ -z "$rc_flag" ] || return 0
  rc_deaf=closed
  flag "runs/$1/i.c"
  [ "$rc_flag" != 1 ] || return 0
  rc_s_t='' rc_s_u='' rc_s_dot=''
  { read -r rc_s_t rc_s_a rc_s_b rc_s_u rc_s_dot <"runs/$1/i.p"; } 2>/dev/null
  [ "$rc_s_t$rc_s_u$rc_s_dot" = xx. ] && ! is_live "$rc_s_a" "$rc_s_b"
}

# is_crowded RUN: enough pieces lie ready for its command.
is_crowded() {
  set -- "runs/$1"/w.*
  [ $# -ge 4 ]
}

# take COUNT FILE: so many bytes of what follows the request go to FILE; fails if they could not be written. If they were not all
# read, nobody knows what comes next, and it must not be taken for a request: then the agent leaves.
take() {
  if [ "$RC_FULLBLOCK" ]; then
    rc_pump_text=$(exec dd bs="$1" count=1 iflag=fullblock 2>&1 >"$2")
    rc_take=$? rc_take_all=1+0
  else
    rc_pump_text=$(exec dd bs=1 count="$1" 2>&1 >"$2")
    rc_take=$? rc_take_all=$1+0
  fi
  pump_records
  [ "$rc_pump_in" = "$rc_take_all" ] || rc_broken=1
  return $rc_take
}

# write ID RUN TAG COUNT: COUNT raw bytes follow. They arrive whole or not at all: what counts is the line of the list. TAG says whose
# they are. Answers ok, crowded (see `room`), full (the disk is), or why the run takes none.
write() {
  rc_write_no='' rc_write_to=/dev/null
  if deaf "$2"; then rc_write_no=$rc_deaf; elif is_crowded "$2"; then rc_write_no=crowded; fi
  if [ -z "$rc_write_no" ]; then
    rc_writes=$((rc_writes + 1))
    rc_write_f=w.$RC_OWNER.$$.$RC_MAIN_START.$rc_writes
    rc_write_to=runs/$2/$rc_write_f
    true >"$rc_write_to" || rc_write_no=full rc_write_to=/dev/null
  fi
  take "$4" "$rc_write_to" || rc_write_no=full
  [ -z "$rc_broken" ] || rc_write_no=broken
  [ "$rc_write_no" ] || echo "$3 $4 $rc_write_f ." >>"runs/$2/i.q" || rc_write_no=full
  if [ "$rc_write_no" ]; then
    [ "$rc_write_to" = /dev/null ] || rm -f "$rc_write_to"
  else
    wake_feeder "$2"
    flag "runs/$2/i.c"
    if [ "$rc_flag" = 1 ]; then
      arrived "$2" "$rc_write_f"
      [ $rc_arrived != 0 ] || rc_write_no=closed # it was just too late
    fi
  fi
  reply "$1" 0 "${rc_write_no:-ok}"
} 2>/dev/null

wake_feeder() {
  flag "runs/$1/h.n"
  [ "$rc_flag" = 1 ] || [ ! -p "runs/$1/h" ] || { echo 1 1<>"runs/$1/h.n" && echo 1<>"runs/$1/h"; }
} 2>/dev/null

# arrived RUN WORD: `rc_arrived` = how many bytes of that tag, or of that piece, came before the end of the input.
arrived() {
  rc_arrived=0
  while read -r rc_arr_tag rc_arr_size rc_arr_f _; do
    [ "$rc_arr_tag" != close ] || break
    case $2 in "$rc_arr_tag" | "$rc_arr_f") rc_arrived=$((rc_arrived + rc_arr_size)) ;; esac
  done 2>/dev/null <"runs/$1/i.q"
}

# wrote ID RUN TAG: how many bytes of that tag have arrived.
wrote() {
  arrived "$2" "$3"
  reply "$1" 0 ok $rc_arrived
}

# room ID RUN: ok if there is room for a piece; else crowded, and the run's bell rings when there is some.
room() {
  if deaf "$2"; then reply "$1" 0 "$rc_deaf"; return; fi
  { bell "$2" && echo 1 1<>"runs/$2/i.w"; } 2>/dev/null || { reply "$1" 0 full; return; }
  if is_crowded "$2"; then reply "$1" 0 crowded; else reply "$1" 0 ok; fi
}

# close_stdin ID RUN: what has arrived is the whole of it.
close_stdin() {
  if [ ! -e "runs/$2/i.q" ]; then reply "$1" 0 none; return; fi
  flag "runs/$2/i.c"
  if [ "$rc_flag" != 1 ]; then
    echo 1 1<>"runs/$2/i.c"
    echo "close 0 - ." >>"runs/$2/i.q" || { reply "$1" 0 full; return; }
    wake_feeder "$2"
  fi
  reply "$1" 0 ok
} 2>/dev/null

# remove ID KEY: forget all runs of a command; `live` if the newest has not ended.
remove() {
  latest "$2"
  if [ "$rc_n" != 0 ] && is_current; then
    reply "$1" 0 live
    return
  fi
  for rc_remove_f in ids/"$2".*; do
    rc_remove_run=
    { read -r rc_remove_run _ <"$rc_remove_f"; } 2>/dev/null
    [ ! -s "runs/$rc_remove_run/meta" ] || put_away "$rc_remove_run" "$rc_remove_f" # else somebody is just making it
  done
  reply "$1" 0 ok
}

# forget ID RUN KEY N: one run that has ended.
forget() {
  put_away "$2" "ids/$3.$4"
  reply "$1" 0 ok
}

# facts ID: the records of all runs as they are, a line each: FILE:LINE. One program reads them faster than this shell; `none`
# if there is no grep, or more than fits in its arguments.
facts() {
  rc_facts=$(exec grep -m1 '' /dev/null runs/*/meta runs/*/pid runs/*/end runs/*/stop runs/*/[oe].n 2>/dev/null)
  if [ -z "$rc_facts" ]; then
    for rc_facts_f in runs/*/meta; do
      [ ! -e "$rc_facts_f" ] || { reply "$1" 0 none; return; }
    done
  fi
  reply "$1" ${#rc_facts} ok
  printf '%s' "$rc_facts" >&3
}

# stats ID PID...: lines of /proc/PID/stat of those that are there.
stats() {
  rc_stats_id=$1
  shift
  for rc_stats_p; do
    shift
    set -- "$@" "/proc/$rc_stats_p/stat"
  done
  rc_facts=$(exec cat "$@" 2>/dev/null)
  reply "$rc_stats_id" ${#rc_facts} ok
  printf '%s' "$rc_facts" >&3
}

# ---------------------------------------------------------------- coming and going

refuse() {
  printf '%s\n' "$RC_NONCE refused $*" >&3
  exit 0
}

# find_base: RC_BASE, a directory of our own: remotecmd-<uid> in RC_DIR, else where one is already, else where one can be.
find_base() {
  rc_base_uid=
  while read -r rc_base_k _ rc_base_v _; do [ "$rc_base_k" != Uid: ] || rc_base_uid=$rc_base_v; done </proc/self/status
  if [ "$RC_DIR" ]; then
    [ -d "$RC_DIR" ] || make "$RC_DIR" # the one value of the user's in an argument: no builtin makes directories
    try_base "$RC_DIR"
    return
  fi
  for rc_base_new in '' 1; do
    for rc_base_d in /tmp /var/tmp /dev/shm "${HOME:-/}"; do
      [ "$rc_base_new" ] || [ -d "$rc_base_d/remotecmd-$rc_base_uid" ] || continue
      ! try_base "$rc_base_d" || return 0
    done
  done
  return 1
}

try_base() {
  RC_BASE=${1%/}/remotecmd-$rc_base_uid
  [ -d "$1" ] && [ -x "$1" ] || return 1
  if [ ! -e "$RC_BASE" ] && [ ! -L "$RC_BASE" ]; then
    cd "$1" && make "remotecmd-$rc_base_uid"
  fi
  [ ! -L "$RC_BASE" ] && [ -d "$RC_BASE" ] && [ -O "$RC_BASE" ] && [ -w "$RC_BASE" ] || return 1
  cd "$RC_BASE" && make agents ids leases runs || return 1
  { echo "$RC_NONCE" >"probe.$$"; } 2>/dev/null && rm -f "probe.$$" && return
  rc_base_full=1
  rm -f "probe.$$"
  return 1
}

# make DIR...: with `rc_base_full` if there is no room for them.
make() {
  rc_make_said=$(exec mkdir -p "$@" 2>&1) && return
  ! is_full "$rc_make_said" || rc_base_full=1
  return 1
}

# is_full COMPLAINT: what a tool complained of is that the disk, or the quota, is full.
is_full() {
  case $1 in *'No space left'* | *'uota exceeded'*) ;; *) return 1 ;; esac
}

# self_test: can this shell do it? Each line is a shell that can't.
self_test() {
  for rc_test_tool in cat dd env ls mkdir mkfifo mv rm setsid sleep xargs; do
    command -v $rc_test_tool >/dev/null 2>&1 || refuse tool $rc_test_tool
  done
  [ -r /proc/self/stat ] || refuse proc
  case $(command -v kill) in kill | builtin*) ;; *) refuse shell kill ;; esac
  case $(command -v printf) in printf | builtin*) ;; 
    *)
      command -v print >/dev/null 2>&1 || { echo "$RC_NONCE refused shell printf" >&3; exit 0; }
      RC_PRINT=1 && shell_printf
      ;;
  esac
  # yash can't read UTF-8 in the C locale
  rc_test_text=$(command printf '\303\251\201\\x')
  rc_test_v=$(printf '%s\n' "$rc_test_text" | { IFS= read -r rc_test_l; printf '%s' "$rc_test_l"; })
  if [ "$rc_test_v" != "$rc_test_text" ]; then
    # Or there was no process for it; then the shell has said so.
    [ "$(printf '%s\n' abc | { read -r rc_test_l; printf '%s' "$rc_test_l"; })" = abc ] || exit 1
    refuse shell read
  fi
  # A failed exec must not go unseen. ksh93 leaves without its trap; bash does too, but not with execfail (see launch).
  if [ -z "${BASH_VERSION-}" ]; then
    (trap 'exit 77' EXIT && exec /nonexistent/remotecmd) 2>/dev/null
    [ $? = 77 ] || refuse shell exec
  fi
}

# clean_up: directories of agents that are no more go; so do living predecessors of our own, whose server lost them. On a
# volume there may be agents of other containers: of those we can't tell, unless the machine was booted since.
clean_up() {
  now
  for rc_clean_d in leases/*; do
    flag "$rc_clean_d"
    [ -z "$rc_flag" ] || [ $((${rc_up%.*} - rc_flag)) -lt $((RC_LEASE * 10)) ] || rm -f "$rc_clean_d"
  done
  for rc_clean_d in gone.*/; do # whoever moved it there had no process left to remove it
    [ ! -d "$rc_clean_d" ] || rm -rf "$rc_clean_d"
  done 2>/dev/null
  for rc_clean_d in agents/*/; do
    rc_clean_d=${rc_clean_d%/}
    [ "$rc_clean_d" != "$RC_ME" ] || continue
    rc_clean_pid='' rc_clean_start='' rc_clean_ns=''
    { read -r rc_clean_pid rc_clean_start rc_clean_ns <"$rc_clean_d/pid"; } 2>/dev/null || continue
    if [ "$rc_clean_ns" = "$RC_NS" ]; then
      if is_live "$rc_clean_pid" "$rc_clean_start"; then
        case ${rc_clean_d##*/} in "$RC_OWNER".*) end_group "$rc_clean_pid" ;; *) continue ;; esac
        rc_clean_i=0 # what it has not done by then, it never does: our server may ask how far it got
        while is_live "$rc_clean_pid" "$rc_clean_start" && [ $rc_clean_i -lt 100 ]; do
          nap 0.01
          rc_clean_i=$((rc_clean_i + 1))
        done
      fi
    elif [ "${rc_clean_ns#*/}" = "${RC_NS#*/}" ]; then
      continue
    fi
    drop "$rc_clean_d"
  done
}

# drop DIR: out of the pumps' sight first, then away, with the spares that nothing was started in.
drop() {
  flag "$1/spare"
  for rc_drop_r in $rc_flag; do
    [ -s "runs/$rc_drop_r/meta" ] || set -- "$@" "runs/$rc_drop_r"
  done
  rc_drop_d=$1
  shift
  mv "$rc_drop_d" "gone.${rc_drop_d##*/}" && rm -rf "gone.${rc_drop_d##*/}" "$@"
} 2>/dev/null

# come: make our directory under a name that the pumps do not look at, and move it in when it is whole.
come() {
  stat $$ || refuse proc
  RC_MAIN=$$ RC_MAIN_START=$rc_st_start
  RC_ME=agents/$RC_OWNER.$$
  rc_come_d=new.$RC_OWNER.$$
  rm -rf "$rc_come_d"
  { mkdir "$rc_come_d" "$rc_come_d/b" && mkfifo "$rc_come_d/wake" && echo 0 >"$rc_come_d/rung" && echo 0 >"$rc_come_d/served" &&
    echo >"$rc_come_d/spare" && echo "$$ $rc_st_start $RC_NS" >"$rc_come_d/pid"; } 2>/dev/null || refuse storage full
  exec 9<>"$rc_come_d/wake"
  mv "$rc_come_d" "$RC_ME" || refuse storage full
}

# serve: the request loop. Its stdout is the spawner's stdin. At the end of requests: leave without a trace.
serve() {
  trap '' PIPE # who listened is gone: go on to the end of requests, then tidy up (nothing of the user's is started from here)
  rc_served=0
  rc_spawned='' rc_spares='' rc_leased='' rc_muted='' rc_broken='' rc_starts=0 rc_writes=0
  [ ! -e "leases/$RC_OWNER" ] || rc_leased=1 # a predecessor of ours gave it
  trap end_serve EXIT
  while IFS= read -r rc_request; do
    eval "$rc_request"
    rc_served=$((rc_served + 1))
    echo $rc_served 1<>"$RC_ME/served"
    [ -z "$rc_broken" ] || break
  done
  end_serve
} 2>/dev/null

# end_serve: also when there was no process to be had, for many a shell that can't fork ends at once: so what needs none comes
# first. With commands alive the spawner stays as their parent, and the exec's first process must not wait for it.
end_serve() {
  trap - EXIT
  if [ "$rc_spawned" ]; then
    read -r rc_served _ </proc/self/stat
    echo "end_main:$RC_MAIN:$rc_served"
  fi
  # shellcheck disable=SC2086  # to be split
  kill $RC_WATCH $RC_DOG
  drop "$RC_ME"
  # shellcheck disable=SC2086  # to be split
  dismiss $RC_WATCH $RC_DOG
} 2>/dev/null

agent() {
  exec 3>&1 4>&2
  RC_UMASK=$(umask)
  umask 077
  RC_LC=
  [ -z "${LC_ALL+x}" ] || RC_LC="=$LC_ALL"
  LC_ALL=C
  RC_CWD=$PWD
  self_test
  { RC_NS=$(exec readlink /proc/self/ns/pid); } 2>/dev/null
  read -r rc_agent_boot </proc/sys/kernel/random/boot_id
  # The number of a PID namespace is given again once it is gone: when its PID 1 began tells two apart.
  rc_st_start=
  stat 1
  RC_NS=${RC_NS:-pid}:$rc_st_start/$rc_agent_boot RC_PRINT=${RC_PRINT-}
  # What the shell adds to the environment must not reach commands: was it there before?
  RC_SHLVL='' RC_PWD=''
  rc_agent_env=$(tr '\0' '\n' </proc/$$/environ 2>/dev/null | grep -E '^(SHLVL|PWD)=' 2>/dev/null)
  for rc_agent_v in $rc_agent_env; do
    case $rc_agent_v in SHLVL=*) RC_SHLVL=${rc_agent_v#SHLVL} ;; PWD=*) RC_PWD=1 ;; esac
  done
  RC_BUSYBOX=
  case $(readlink "/proc/$$/exe" 2>/dev/null) in *busybox*) RC_BUSYBOX=1 ;; esac
  # By its path, since the command's own PATH is set by then, and a shell may have a setsid of its own.
  rc__walk=1
  rc_find setsid "$PATH"
  RC_SETSID=$rc__program
  RC_DD=
  case $(printf abc | dd iflag=skip_bytes,count_bytes skip=1 count=1 2>/dev/null) in b) RC_DD=1 ;; esac
  RC_FULLBLOCK=
  case $(printf abc | dd bs=2 count=1 iflag=fullblock 2>/dev/null) in ab) RC_FULLBLOCK=1 ;; esac
  rc_base_full=
  find_base || refuse storage "${rc_base_full:+full}"
  RC_RUN_JOB=${RC_AGENT%%: end of what a run needs*}
  RC_PUMP_JOB=${RC_AGENT#*: end of what a run needs}
  RC_FEED_JOB=${RC_PUMP_JOB#*: end of what a pump needs}
  RC_PUMP_JOB=${RC_PUMP_JOB%%: end of what a pump needs*}
  RC_STOP_JOB=${RC_FEED_JOB#*: end of what feeding needs}
  RC_FEED_JOB=${RC_FEED_JOB%%: end of what feeding needs*}
  RC_TIDY_JOB=${RC_STOP_JOB#*: end of what a stop needs}
  RC_STOP_JOB=${RC_STOP_JOB%%: end of what a stop needs*}
  RC_TIDY_JOB=${RC_TIDY_JOB%%: end of what tidying needs*}
  unset RC_AGENT
  export LC_ALL RC_LEASE RC_SPOOL RC_RUN_JOB RC_PUMP_JOB RC_FEED_JOB RC_STOP_JOB RC_TIDY_JOB RC_BASE RC_SH RC_UMASK RC_LC RC_SHLVL RC_PWD RC_CWD RC_NS RC_PRINT RC_BUSYBOX RC_SETSID
  come
  clean_up
  RC_WATCH='' RC_DOG=''
  # No process to be had for one of them: the request loop may be there, but no spawner. If there is none for the tools of `drop`
  # either, the shell is gone at once, and the watchdog sees to the rest.
  trap 'drop "$RC_ME"; end_group $$' EXIT
  watch &
  RC_WATCH=$!
  watchdog </dev/null >/dev/null 2>&1 3>&- 4>&- 9>&- &
  RC_DOG=$!
  stat "$RC_WATCH"
  RC_WATCH_START=$rc_st_start
  stat "$RC_DOG"
  RC_DOG_START=$rc_st_start
  now
  printf '%s\n' "$RC_NONCE hello 1 $$ $rc_base_uid $rc_up $RC_NS" >&3
  # The spawner: xargs starts each job with default signals (nothing a shell starts with & has them) and reaps it. A job lets go of
  # the jobs' pipe, which busybox's xargs leaves it: only so does the request loop learn that its spawner was killed.
  serve | exec setsid env xargs -n1 -P100000 "$RC_SH" -c 'exec </dev/null; eval "$RC_RUN_JOB"; job "$1"' remotecmd >/dev/null 2>&1 3>&- 4>&- 9>&-
  trap - EXIT
  end_group $$ # what a shell has left that lost our signal
}

agent
