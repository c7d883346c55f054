# Runs every check of the folder named by $CHECKS in the guest, each in a shell and a folder of its own under /out.
#
# A check is one small script: status 0 is ok, 77 is skip, anything else is not ok; the last line it printed says why. It is stopped after
# $CHECK_TIMEOUT seconds, or as many as its line "# limit: N s" says (a machine shared with others can be many times slower). After each one
# no process of it may run and no probe may be left: that is part of every check.
only=${ONLY:-*}
probes=/sys/kernel/tracing/kprobe_events
: >/out/results

result() {
  echo "$*" >>/out/results
  echo "check: $*" # also on the console, for when the guest dies
}

leftovers() { # processes of the programs under test
  for process in /proc/[0-9]*; do
    case "$(tr '\0' ' ' 2>/dev/null <"$process/cmdline")" in
      tcpaccept* | vm-workload* | sleep*) echo "${process#/proc/}" ;;
    esac
  done
}

# The sums of what the check compared: ": expected N, shown N, missed N, extra N", or nothing.
counted() {
  awk '/^counts / {
    sub(/^counts [^:]*: /, "")
    gsub(/,/, "")
    for (i = 1; i < NF; i += 2) { if (!($i in sum)) order[++names] = $i; sum[$i] += $(i + 1) }
  }
  END { for (i = 1; i <= names; i++) printf "%s%s %d", i == 1 ? ": " : ", ", order[i], sum[order[i]] }' log
}

for check in /vm/guest/"$CHECKS"/$only.sh; do
  [ -e "$check" ] || continue
  name=${check##*/}
  name=${name%.sh}
  name=${name#[0-9][0-9]-}
  mkdir -p "/out/$name"
  cd "/out/$name" || exit 1
  begun=$(cut -d ' ' -f 1 /proc/uptime)
  limit=$(sed -n 's/^# limit: \([0-9]*\) s$/\1/p' "$check")
  limit=${limit:-${CHECK_TIMEOUT:-60}}
  # shellcheck disable=SC2016 # expanded by the inner shell
  timeout -k 2 "$limit" sh -eu -c '. /vm/guest/lib.sh; . "$1"' check "$check" >log 2>&1 </dev/null
  status=$?
  why=$(tail -n 1 log | tr -cd '\40-\176')
  case $status in
    124 | 143 | 137) why="did not end within $limit s; it said: $why" ;;
  esac
  left=$(leftovers)
  if [ -n "$left" ]; then
    names=''
    for pid in $left; do names="$names $(tr '\0' ' ' <"/proc/$pid/cmdline" 2>/dev/null)"; done
    # shellcheck disable=SC2086 # one word per process
    kill -9 $left 2>/dev/null
    [ "$status" != 0 ] || why="left running:$names"
    [ "$status" != 0 ] || status=1
    sleep 0.2
  fi
  if [ -e "$probes" ] && [ -n "$(cat "$probes" 2>/dev/null)" ]; then
    [ "$status" != 0 ] || why="left a probe: $(head -n 1 "$probes")"
    [ "$status" != 0 ] || status=1
    echo >"$probes"
  fi
  echo "$name $begun $(cut -d ' ' -f 1 /proc/uptime)" >>/out/times
  case $status in
    0) result "ok $name$(counted)" ;;
    77) result "skip $name: $why" ;;
    *) result "not ok $name: $why" ;;
  esac
done
dmesg >/out/dmesg
