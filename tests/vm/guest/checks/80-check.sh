# tcpaccept-record --check: what this machine offers, a line each; status 0 exactly when recording works.
status=0
tcpaccept-record --check >check.txt 2>check.err || status=$?
[ "$status" = 0 ] || fail "status $status where recording works: $(grep '^problem' check.txt)"
[ ! -s check.err ] || fail "it said $(cat check.err)"
for what in kernel tracefs 'kprobe events' lockdown ftrace symbol BTF capabilities 'perf events' 'ring memory' probe self-test; do
  grep -q "^ok  *$what " check.txt || fail "no ok line about $what: $(cat check.txt)"
done
if grep -q '^problem' check.txt; then fail "$(grep '^problem' check.txt)"; fi
grep -qx 'Recording works here.' check.txt || fail "$(tail -n 1 check.txt)"
no_probe

# Without loopback nothing proves the probe, which is said, and soon.
no_loopback() { # COMMAND...
  unshare -n sh -c 'ip link set lo up; ip link set lo down; exec "$@"' sh "$@"
}
no_loopback tcpaccept-record --check >check.txt || fail "status $? without loopback: $(cat check.txt)"
grep -q '^problem  *self-test .*not proved.*; .*ip link set lo up' check.txt || fail "no problem with the self-test: $(cat check.txt)"
grep -qx 'Recording should work here, which is not proved.' check.txt || fail "$(tail -n 1 check.txt)"
took=$(sed -n 's/^ok  *self-test  *took \([0-9]*\) ms$/\1/p' check.txt)
[ "$took" -lt 1000 ] || fail "the self-test took $took ms without loopback"
no_loopback tcpaccept-record -d 1 -o unproved.tcpa 2>unproved.err || fail "status $? without loopback: $(cat unproved.err)"
[ "$(grep -c 'not proved' unproved.err)" = 1 ] || fail "it said $(cat unproved.err)"
no_probe

broken() { # WHAT COMMAND...: a problem line about WHAT, status 1, nothing left behind
  what=$1
  shift
  status=0
  "$@" >check.txt 2>check.err || status=$?
  [ "$status" = 1 ] || fail "status $status, not 1, with broken $what: $(cat check.txt check.err)"
  grep -q "^problem  *$what .*; ." check.txt || fail "no problem line with a remedy about $what: $(cat check.txt)"
  grep -qx 'Recording does not work here.' check.txt || fail "$(tail -n 1 check.txt)"
  no_probe
}
sysctl -q -w kernel.ftrace_enabled=0
if ftrace_silences; then broken ftrace tcpaccept-record --check; fi
sysctl -q -w kernel.ftrace_enabled=1
broken 'kprobe events' vm-workload as 65534 tcpaccept-record --check
broken 'perf events' vm-workload as 65534 tcpaccept-record --check
umount /sys/kernel/tracing
broken tracefs unshare -m sh -c 'umount -l /sys/kernel/debug; exec tcpaccept-record --check'
mount -t tracefs tracefs /sys/kernel/tracing

# What cannot be told is no success.
refuses 1 sh -c 'exec tcpaccept-record --check >/dev/full'
refuses 1 sh -c 'exec tcpaccept-record --check >&-'

# Few descriptors are said to be few, or they are enough.
for files in 4 12 17 24 28; do
  status=0
  sh -c "ulimit -n $files; exec tcpaccept-record -d 0.1 -o few-$files.tcpa" 2>few.err || status=$?
  case $status in
    0) tcpaccept-report few-$files.tcpa >/dev/null || fail "with $files files: $(cat few.err)" ;;
    1)
      [ "$(wc -l <few.err)" = 1 ] || fail "with $files files: $(cat few.err)"
      grep -q 'Too many open files; raise the limit on open files (ulimit -n)' few.err || fail "with $files files: $(cat few.err)"
      ;;
    *) fail "status $status with $files files" ;;
  esac
  echo "with $files files: status $status, $(head -n 1 few.err)"
  no_probe
done
