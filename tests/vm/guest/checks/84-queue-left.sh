# What the plan inet_accept knows besides: how many connections still wait after each accept.
options='' compare=''
if kernel_before 6 1; then exit 0; fi # no __inet_accept there, as check 41 finds
start_record left -o left.tcpa --plan inet_accept
workload queue
stop_record left
no_probe
same_csv left.tcpa
tcpaccept-report --columns pid,sport,ahead,left --format csv left.tcpa | tr -d '\r' >left.csv
# One connection by itself, then six that wait together (tests/vm/queue.cc).
shown=$(sed 1d left.csv | cut -d , -f 4 | tr '\n' ' ')
[ "$shown" = '0 5 4 3 2 1 0 ' ] || fail "left is $shown"
