# CPUs that go offline and come online while accepts go on: none is missed, also of those that a returning CPU accepts
# before its event is open again.
# limit: 300 s
cpu=/sys/devices/system/cpu/cpu1/online
[ -w $cpu ] || skip 'this machine has one CPU, or cannot switch it off'
trap 'echo 1 >$cpu' EXIT

# figures NAME: $missed rows of the truth, $bound that the capture owns up to, $status of the report.
figures() {
  status=0
  tcpaccept-report --format csv "$1.tcpa" >"$1.csv" 2>"$1.said" || status=$?
  # Without --time: the clock of an emulated CPU that comes back may be seconds off. Of what ftrace recorded on it the process is not
  # known where the thread was gone within a quarter of a second (README).
  vm-compare --pid-unknown truth.csv "$1.csv" >compare.log || true
  grep '^rows without a pid' compare.log
  missed=$(sed -n 's/^expected .* missed \([0-9]*\),.*/\1/p' compare.log)
  grep -q ' extra 0, wrong 0' compare.log || fail_compare CSV
  bound=$(sed -n 's/.*unseen.*, at most \([0-9]*\)[:;].*/\1/p' "$1.said" | awk '{sum += $1} END {print sum + 0}')
  echo "missed $missed, owned up to at most $bound, status $status"
}
complete() {
  figures "$1"
  counts "$1"
  [ "${missed:-0}" = 0 ] || fail "$missed accepts are missing, the capture owns up to $bound"
  [ "$status" = 0 ] || fail "status $status although none is missing: $(cat "$1.said")"
}

# Again and again under load.
start_record toggled -o toggled.tcpa
# The first time it takes a moment until ftrace is ready for its return.
echo 0 >$cpu
instance=''
tries=0
until [ -n "$instance" ] && [ "$(cat "$instance"/events/tcpaccept/*_tcp/enable 2>/dev/null)" = 1 ]; do
  sleep 0.05
  instance=$(ls -d /sys/kernel/tracing/instances/p*_tcp 2>/dev/null || true)
  tries=$((tries + 1))
  [ $tries -lt 200 ] || fail 'ftrace was not asked to record'
done
echo 1 >$cpu
: >toggling
(
  while [ -e toggling ]; do
    echo 0 >$cpu
    echo 1 >$cpu
    echo x >>toggles
  done
) &
toggler=$!
# Not more than the buffer of one CPU holds: a recorder that is kept waiting meanwhile owns up to what it cannot know.
workload --count 1200 burst
workload threads many
rm toggling
wait $toggler
echo "the CPU went and came $(wc -l <toggles) times"
kill -s INT "$(cat toggled.pid)"
end_record toggled
no_probe
[ ! -e "$instance" ] || fail "$instance is left"
complete toggled

# Offline when the recorder starts, online before any client comes: then nothing may be missing.
echo 0 >$cpu
rm -f truth.csv
start_record late -o late.tcpa
before=$(ls -l "/proc/$(cat late.pid)/fd" | grep -c perf_event)
echo 1 >$cpu
# It says nothing when all is well, but its events can be counted: at least as many on the new CPU as on the other.
events() { ls -l "/proc/$(cat late.pid)/fd" | grep -c perf_event; }
tries=0
until [ "$(events)" -ge $((2 * before)) ]; do
  sleep 0.05
  tries=$((tries + 1))
  [ $tries -lt 200 ] || fail "still $(events) events"
done
taskset 2 vm-workload run --truth truth.csv v4 v6 threads || fail 'the workload failed'
kill -s INT "$(cat late.pid)"
end_record late
[ "$status" = 0 ] || fail "status $status: $(cat late.err)"
no_probe
same_csv late.tcpa --at-least 1

# switched_off NAME FILE: somebody writes 0 to FILE of the instance, then the CPU comes back. What is missing is owned up to, and
# ftrace records again.
switched_off() {
  echo 0 >$cpu
  rm -f truth.csv
  start_record "$1" -o "$1.tcpa"
  # Each of these makes two samples and is one call: they must not make up for calls that no event sees.
  if ! kernel_before 5 11; then vm-workload run --truth truth.csv mptcp || fail 'the workload failed'; fi
  # shellcheck disable=SC2086 # $2 is a pattern
  file=$(ls /sys/kernel/tracing/instances/p*_tcp/$2)
  kill -s STOP "$(cat "$1.pid")"
  echo 0 >"$file"
  echo 1 >$cpu
  taskset 2 vm-workload run --truth truth.csv v4 || fail 'the workload failed'
  kill -s CONT "$(cat "$1.pid")"
  tries=0
  until [ "$(cat "$file")" = 1 ]; do
    sleep 0.05
    tries=$((tries + 1))
    [ $tries -lt 200 ] || fail "$file is not switched on again"
  done
  kill -s INT "$(cat "$1.pid")"
  end_record "$1"
  [ "$status" = 3 ] || fail "the recorder ended with status $status, not 3: $(cat "$1.err")"
  no_probe
  figures "$1"
  [ "$status" = 3 ] || fail "status $status although $missed are missing"
  [ "${missed:-0}" -gt 0 ] || fail 'none is missing, so this proves nothing'
  [ "$missed" -le "$bound" ] || fail "$missed accepts are missing, the capture owns up to $bound"
}
switched_off tracing tracing_on
switched_off event 'events/tcpaccept/*_tcp/enable'

# What ftrace records for a recorder that is gone, with its keeper, goes when the next one starts.
echo 0 >$cpu
start_record killed -o killed.tcpa
left=$(ls -d /sys/kernel/tracing/instances/p*_tcp)
kill -s KILL $(tr -d ' ' <"/proc/$(cat killed.pid)/task/$(cat killed.pid)/children") "$(cat killed.pid)"
end_record killed
[ -e "$left" ] || fail "$left is gone without anybody's help"
mkdir /sys/kernel/tracing/instances/p1_of_somebody_else
start_record next -o next.tcpa
[ ! -e "$left" ] || fail "$left is still there"
stop_record next
no_probe
rmdir /sys/kernel/tracing/instances/p1_of_somebody_else || fail "somebody else's instance was touched"
