# The live tool's table is the seed's to the byte and shows every accept.
start_live
workload v4 v6 v4-dual v6-dual threads epoll exit reset unix failed refused
stop_live
no_probe
[ "$(head -n 1 live.txt)" = 'Tracing tcpaccept ... Hit Ctrl-C to end' ] || fail "first line: $(head -n 1 live.txt)"
[ "$(sed -n 2p live.txt)" = 'PID      COMM         RADDR                RPORT  SADDR                SPORT' ] || fail "column names: $(sed -n 2p live.txt)"
vm-compare --exact truth.csv live.txt >compare.log || fail_compare table
