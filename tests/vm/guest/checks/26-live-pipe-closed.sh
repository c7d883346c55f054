# The reader of the pipe goes away: the live tool ends at its next row, quietly, and takes its probe along.
mkfifo live.fifo
vm-workload as 0 tcpaccept >live.fifo 2>live.err &
live_pid=$!
exec 6<live.fifo
read -r line <&6
[ "$line" = 'Tracing tcpaccept ... Hit Ctrl-C to end' ] || fail "first line: $line"
exec 6<&-
workload v4
wait "$live_pid" || echo "it ended with status $?"
[ "$(wc -l <live.err)" -le 1 ] || fail "it said $(wc -l <live.err) lines: $(head -n 1 live.err)"
no_probe
