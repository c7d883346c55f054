# A capture through a pipe into the report.
mkfifo capture.fifo
tcpaccept-report --format csv - <capture.fifo >x.csv 2>report.err &
report_pid=$!
exec 7>capture.fifo
start_record pipe -o - >&7
exec 7>&-
workload v4 v6 threads
stop_record pipe
wait $report_pid || fail "the report ended with status $?: $(head -n 1 report.err)"
no_probe
vm-compare --time truth.csv x.csv >compare.log || fail_compare CSV
