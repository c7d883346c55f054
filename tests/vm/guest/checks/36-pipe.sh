# A capture through a pipe into the report, which is confined by the time it shows anything.
mkfifo capture.fifo csv.fifo
tcpaccept-report --format csv - <capture.fifo >csv.fifo 2>report.err &
report_pid=$!
exec 7>capture.fifo 8<csv.fifo
start_record pipe -o - >&7
exec 7>&-
read -r header <&8
grep -q '^Seccomp:.2$' "/proc/$report_pid/status" || fail "the report is not confined: $(grep Seccomp "/proc/$report_pid/status")"
{
  echo "$header"
  cat <&8
} >x.csv &
csv_pid=$!
workload v4 v6 threads
stop_record pipe
wait $report_pid || fail "the report ended with status $?: $(head -n 1 report.err)"
wait $csv_pid
no_probe
vm-compare --time truth.csv x.csv >compare.log || fail_compare CSV
