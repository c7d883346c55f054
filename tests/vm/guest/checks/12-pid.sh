# -p records one process with all its threads, and nothing of the others.
start_gated threads
start_record one -o one.tcpa -p "$server_pid"
vm-workload run v4 v6
open_gate
# The process has ended by now, which may have ended the recorder.
kill -s INT "$(cat one.pid)" 2>/dev/null || true
end_record one
[ "$status" = 0 ] || fail "the recorder ended with status $status"
no_probe
same_csv one.tcpa --pid "$server_pid"
[ "$(tail -n +2 one.tcpa.csv | wc -l)" = 8 ] || fail "not the eight accepts of the threads"
