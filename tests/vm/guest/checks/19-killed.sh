# A recorder killed by SIGKILL leaves a readable capture; the next recorder sweeps its probe away.
start_record dead -o dead.tcpa
workload v4
# Its data reach the file within a second or two; wait for that, not for the clock.
tries=0
while ! tcpaccept-report dead.tcpa 2>/dev/null | grep -q srv-v4 && [ $tries -lt 100 ]; do
  sleep 0.1
  tries=$((tries + 1))
done
kill -s KILL "$(cat dead.pid)"
end_record dead
status=0
tcpaccept-report --format csv dead.tcpa >dead.csv 2>dead.report.err || status=$?
[ "$status" = 3 ] || fail "the report of a killed recording ended with status $status, not 3"
vm-compare --time truth.csv dead.csv || fail "rows are missing"
start_record next -o next.tcpa
stop_record next
no_probe
