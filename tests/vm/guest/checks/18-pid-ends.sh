# When the process of -p ends, the recorder ends by itself and says so.
start_gated v4
start_record ends -o ends.tcpa -p "$server_pid"
open_gate
end_record ends
[ "$status" = 0 ] || fail "status $status"
no_probe
grep -q "process.* ended" ends.err || fail "it does not say that the process ended: $(cat ends.err)"
same_csv ends.tcpa

# The number of a process that has ended can become another's, which nobody asked for.
last_pid=/proc/sys/kernel/ns_last_pid
[ -w $last_pid ] || skip 'this kernel lets nobody choose the next pid'
rm -f truth.csv
start_gated v4
first=$server_pid
sleep 1000 &
other=$!
start_record reused -o reused.tcpa -p "$first" -p $other
open_gate
mv truth.csv real.csv
# How many processes the shell starts before the server is not known.
for before in 1 2 3 4 5 6 7 8; do
  echo $((first - before)) >$last_pid
  start_gated v4
  open_gate
  [ "$server_pid" != "$first" ] || break
done
[ "$server_pid" = "$first" ] || fail "no server got the pid $first again, the last one was $server_pid"
mv real.csv truth.csv
kill $other
end_record reused
[ "$status" = 0 ] || fail "status $status: $(cat reused.err)"
no_probe
same_csv reused.tcpa
