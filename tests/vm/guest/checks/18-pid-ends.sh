# When the process of -p ends, the recorder ends by itself and says so.
start_gated v4
start_record ends -o ends.tcpa -p "$server_pid"
open_gate
end_record ends
[ "$status" = 0 ] || fail "status $status"
no_probe
grep -q "process.* ended" ends.err || fail "it does not say that the process ended: $(cat ends.err)"
same_csv ends.tcpa
