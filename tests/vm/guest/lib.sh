# shellcheck shell=sh
# What the checks share. They wait for what the programs say, through fifos, and never by sleeping.
probes=/sys/kernel/tracing/kprobe_events

fail() {
  echo "$*"
  exit 1
}

skip() {
  echo "$*"
  exit 77
}

no_probe() {
  [ -z "$(cat $probes)" ] || fail "a probe is left: $(head -n 1 $probes)"
}

# start_record NAME ARGUMENT...: starts a recorder and returns once it says that it records. Its messages go to NAME.err. What stands
# in $through runs it.
through=''
start_record() {
  name=$1
  shift
  rm -f "$name.fifo" "$name.err"
  mkfifo "$name.fifo"
  # Through vm-workload, because a shell starts background commands with SIGINT ignored.
  # shellcheck disable=SC2086 # several words
  vm-workload as 0 $through tcpaccept-record "$@" 2>"$name.fifo" &
  echo $! >"$name.pid"
  exec 3<"$name.fifo"
  while read -r line <&3; do
    echo "$line" >>"$name.err"
    case "$line" in
      *': recording to '*)
        cat <&3 >>"$name.err" &
        echo $! >"$name.reader"
        exec 3<&-
        return 0
        ;;
    esac
  done
  fail "the recorder did not start: $(cat "$name.err" 2>/dev/null)"
}

# end_record NAME: waits for the recorder to end; its exit status is in $status.
end_record() {
  status=0
  wait "$(cat "$1.pid")" || status=$?
  wait "$(cat "$1.reader")" || true
}

# stop_record NAME [SIGNAL]: ends the recorder and insists on status 0 and on the probe being gone.
stop_record() {
  kill -s "${2:-INT}" "$(cat "$1.pid")"
  end_record "$1"
  [ "$status" = 0 ] || fail "the recorder ended with status $status: $(tail -n 1 "$1.err")"
}

# The truth log of a check is truth.csv in its folder.
workload() {
  vm-workload run --truth truth.csv "$@" || fail "the workload failed"
}

# start_gated SCENARIO...: the servers wait, no client has come yet; $server_pid is the server. open_gate lets the clients in and waits
# for the end.
start_gated() {
  rm -f go ready
  mkfifo go ready
  vm-workload run --truth truth.csv --gate "$@" <go >ready &
  workload_pid=$!
  exec 4>go 5<ready
  # shellcheck disable=SC2034 # server_pid is for the checks
  read -r word scenario server_pid <&5 || fail "the workload did not start"
  [ "$word" = ready ] || fail "the workload said $word $scenario"
}

open_gate() {
  echo >&4
  wait "$workload_pid" || fail "the workload failed"
  exec 4>&- 5<&-
}

# same_csv CAPTURE [OPTION...] / same_table ...: the report of the capture against the truth.
same_csv() {
  capture=$1
  shift
  status=0
  tcpaccept-report --format csv "$capture" >"$capture.csv" || status=$?
  [ "$status" = 0 ] || fail "tcpaccept-report --format csv ended with status $status"
  vm-compare --time "$@" truth.csv "$capture.csv" >compare.log || fail_compare CSV
  counts "$capture"
}

# counts NAME: puts the counts of the last comparison into the log of the check; those of lines that begin with "counts" end up in the
# result line.
counts() {
  grep '^scenario ' compare.log || true
  echo "counts $1: $(grep -m 1 '^expected ' compare.log)"
}

# Whether kernel.ftrace_enabled=0 silences probes: those of arm64 are breakpoints, which it does not touch.
ftrace_silences() { [ "$(uname -m)" != aarch64 ]; }

# kernel_before MAJOR MINOR
kernel_before() {
  release=$(uname -r)
  major=${release%%.*}
  rest=${release#*.}
  minor=${rest%%[!0-9]*}
  [ "$major" -lt "$1" ] || { [ "$major" = "$1" ] && [ "$minor" -lt "$2" ]; }
}

# recorded_csv NAME SCENARIO...: the workload while a recorder runs, compared. parked_csv: first the workload's servers, which wait,
# then the recorder, then the clients. Options for the workload's scenarios and for vm-compare are in $options and $compare.
options='' compare=''
recorded_csv() {
  name=$1
  shift
  rm -f truth.csv
  start_record "$name" -o "$name.tcpa"
  # shellcheck disable=SC2086 # several words
  workload $options "$@"
  stop_record "$name"
  no_probe
  # shellcheck disable=SC2086
  same_csv "$name.tcpa" $compare
}

parked_csv() {
  parked_name=$1
  shift
  rm -f truth.csv
  # shellcheck disable=SC2086 # several words
  start_gated $options "$@"
  start_record "$parked_name" -o "$parked_name.tcpa"
  open_gate
  stop_record "$parked_name"
  no_probe
  # shellcheck disable=SC2086
  same_csv "$parked_name.tcpa" $compare
}

same_table() {
  capture=$1
  shift
  status=0
  tcpaccept-report "$capture" >"$capture.txt" || status=$?
  [ "$status" = 0 ] || fail "tcpaccept-report ended with status $status"
  vm-compare --exact "$@" truth.csv "$capture.txt" >compare.log || fail_compare table
}

fail_compare() {
  head -n 200 compare.log
  fail "$1: $(grep -m 1 -E '^(expected|vm-compare)' compare.log || head -n 1 compare.log); first: $(grep -m 1 -E '^(missed|extra|wrong)' compare.log)"
}

# refuses STATUS PROGRAM ARGUMENT...: the program must end with that status, say exactly one line on standard error, and leave no probe.
refuses() {
  wanted=$1
  shift
  status=0
  "$@" >refuses.out 2>refuses.err || status=$?
  [ "$status" = "$wanted" ] || fail "$* ended with status $status, not $wanted: $(head -n 1 refuses.err)"
  [ "$(wc -l <refuses.err)" = 1 ] || fail "$* said $(wc -l <refuses.err) lines, not one: $(head -n 1 refuses.err)"
  echo "said: $(cat refuses.err)"
}

# start_live ARGUMENT...: starts the live tool with its output in live.txt by way of a pipe, and returns when its column names are there.
start_live() {
  rm -f live.fifo live.txt
  mkfifo live.fifo
  vm-workload as 0 tcpaccept "$@" >live.fifo 2>live.err &
  live_pid=$!
  exec 6<live.fifo
  while read -r line <&6; do
    printf '%s\n' "$line" >>live.head
    case "$line" in
      *RADDR*)
        cat <&6 >live.rows &
        live_reader=$!
        exec 6<&-
        return 0
        ;;
    esac
  done
  fail "the live tool did not start: $(cat live.err)"
}

# stop_live: ends it with SIGINT, insists on status 0; live.txt is all it printed.
stop_live() {
  kill -s "${1:-INT}" "$live_pid"
  status=0
  wait "$live_pid" || status=$?
  wait "$live_reader" || true
  # read took the line ends and nothing else from the head: the lines have no leading or trailing blanks of their own.
  cat live.head live.rows >live.txt
  [ "$status" = 0 ] || fail "the live tool ended with status $status: $(tail -n 1 live.err)"
}

# becomes_true COMMAND...: until it succeeds; what is waited for has no event of its own.
becomes_true() {
  tries=0
  while ! "$@" && [ $tries -lt 100 ]; do
    sleep 0.1
    tries=$((tries + 1))
  done
  [ $tries -lt 100 ] || fail "$* did not become true"
}
