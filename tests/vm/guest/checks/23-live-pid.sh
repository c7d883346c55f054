# -p: one process.
start_gated threads
start_live -p "$server_pid"
vm-workload run v4
open_gate
kill -s INT "$live_pid" 2>/dev/null || true
wait "$live_pid" || fail "status $?"
wait "$live_reader" || true
cat live.head live.rows >live.txt
vm-compare --exact --pid "$server_pid" truth.csv live.txt >compare.log || fail_compare table
