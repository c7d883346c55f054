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
start_record next -o next.tcpa
[ "$(grep -c . "$probes")" = 2 ] || [ "$(grep -c . "$probes")" = 1 ] || fail "the old probe is still there"
stop_record next
no_probe
