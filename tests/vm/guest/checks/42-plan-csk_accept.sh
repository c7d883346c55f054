# The plan csk_accept by itself records every accept of threads that were not waiting before it started.
start_record plan -o plan.tcpa --plan csk_accept
workload all
stop_record plan
no_probe
same_csv plan.tcpa
# Before 5.14 nobody knows what it missed.
known=yes
if kernel_before 5 14; then known='not known'; fi
tcpaccept-report --info plan.tcpa >info.txt 2>info.err || fail "--info ended with status $?"
grep -qx "  complete  *$known" info.txt || fail "it says $(grep complete info.txt), not $known"
if [ "$known" = yes ]; then
  [ ! -s info.err ] || fail "it said $(cat info.err)"
else
  grep -q 'lost; what the probe missed is not known$' info.txt || fail "the account is $(grep account info.txt)"
  grep -q 'whether accepts are missing is not known$' info.err || fail "it said $(cat info.err)"
  grep -q 'whether accepts are missing will not be known$' plan.err || fail "the recorder said $(cat plan.err)"
fi
