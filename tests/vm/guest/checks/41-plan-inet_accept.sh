# The plan inet_accept by itself records every accept (not on 5.10, which must say so).
if ! grep -q " __inet_accept$" /proc/kallsyms; then
  refuses 1 tcpaccept-record -o plan.tcpa --plan inet_accept
  no_probe
  exit 0
fi
start_record plan -o plan.tcpa --plan inet_accept
workload all
stop_record plan
no_probe
same_csv plan.tcpa
