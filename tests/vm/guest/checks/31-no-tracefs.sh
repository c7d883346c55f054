# tracefs is not mounted: it works all the same (by mounting it) or says so in one line.
# shellcheck disable=SC2016 # expanded by the inner shell
unshare -m sh -eu -c '
  . /vm/guest/lib.sh
  umount /sys/kernel/tracing
  umount -l /sys/kernel/debug
  status=0
  tcpaccept-record -d 1 -o x.tcpa 2>no.err || status=$?
  echo "status $status: $(head -n 1 no.err)"
  case $status in
    0) ;;
    1) [ "$(wc -l <no.err)" = 1 ] || fail "more than one line: $(head -n 1 no.err)" ;;
    *) fail "status $status" ;;
  esac
  if [ $status = 0 ]; then grep -q "recording to" no.err || fail "it said nothing"; fi
'
no_probe
# Without /proc it cannot be found, though it is mounted.
refuses 1 unshare -m sh -c 'umount -l /proc; exec tcpaccept-record -d 1 -o x.tcpa'
grep -q '/proc/mounts.*; mount it with' refuses.err || fail "no word of /proc/mounts"
