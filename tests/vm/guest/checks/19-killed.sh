# A recorder killed by SIGKILL leaves a readable capture, and no probe: the process it leaves behind takes that away. Killed
# together with that process, the next recorder sweeps.
start_record dead -o dead.tcpa
recorder=$(cat dead.pid)
workload v4
# Its data reach the file within a second or two; wait for that, not for the clock.
written() { tcpaccept-report dead.tcpa 2>/dev/null | grep -q srv-v4; }
becomes_true written
kill -s KILL "$recorder"
end_record dead
status=0
tcpaccept-report --format csv dead.tcpa >dead.csv 2>dead.report.err || status=$?
[ "$status" = 3 ] || fail "the report of a killed recording ended with status $status, not 3"
vm-compare --time truth.csv dead.csv || fail "rows are missing"
probe_gone() { [ -z "$(cat $probes)" ]; }
becomes_true probe_gone

start_record both -o both.tcpa
recorder=$(cat both.pid)
keeper=$(cat "/proc/$recorder/task/$recorder/children")
[ "$(cat "/proc/${keeper% }/comm")" = tcpaccept-keep ] || fail "the recorder has no keeper but: $keeper"
# The keeper first, or it would do its duty.
# shellcheck disable=SC2086
kill -s KILL $keeper
kill -s KILL "$recorder"
end_record both
[ -n "$(cat $probes)" ] || fail "who has removed the probe?"
# Neither can it while others have the event in an instance of their own, which is said.
tracing=/sys/kernel/tracing
mkdir $tracing/instances/others
echo 1 >$tracing/instances/others/events/tcpaccept/enable
start_record refused -o refused.tcpa
grep -q 'probe tcpaccept/.* cannot be removed: .*; end what uses it' refused.err || fail "it said $(cat refused.err)"
stop_record refused
rmdir $tracing/instances/others
# sweeps: the next recorder takes away what is there.
sweeps() {
  left=$(sed -n 's/^p:\(tcpaccept\/[^ ]*\) .*/\1/p' $probes)
  [ -n "$left" ] || fail "who has removed the probe?"
  start_record next --force -o next.tcpa
  for name in $left; do
    if grep -q ":$name " $probes; then fail "the old probe is still there: $(cat next.err)"; fi
  done
  stop_record next
  no_probe
}
echo 1 >$tracing/events/tcpaccept/enable
sweeps

# init of a pid namespace takes the process it would leave behind along. A recorder outside lets it be until nobody is in there.
through='unshare -p -f --mount-proc'
start_record inside -o inside.tcpa
through=''
recorder=$(cat "/proc/$(cat inside.pid)/task/$(cat inside.pid)/children")
start_record outside -o outside.tcpa
stop_record outside
if grep 'probe tcpaccept' outside.err; then fail 'it meant a probe in use'; fi
[ -n "$(cat $probes)" ] || fail "the probe of another namespace is gone"
# Stopped, for it might remove the probe before the kernel gets to it.
# shellcheck disable=SC2046
kill -s STOP $(cat "/proc/${recorder% }/task/${recorder% }/children")
# shellcheck disable=SC2086
kill -s KILL $recorder
end_record inside
sweeps
