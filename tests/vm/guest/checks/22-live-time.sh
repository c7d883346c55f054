# -t: seconds since the first accept shown, six decimals.
start_live -t
workload v4 v6
stop_live
[ "$(sed -n 2p live.txt)" = 'TIME(s)      PID      COMM         RADDR                RPORT  SADDR                SPORT' ] || fail "column names: $(sed -n 2p live.txt)"
vm-compare --exact truth.csv live.txt >compare.log || fail_compare table
