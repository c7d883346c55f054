# Recording without root: a user whose group may use tracefs, with the capabilities the README names.
tracing=/sys/kernel/tracing
mount -o remount,gid=4242,mode=0750 $tracing
chgrp -R 4242 $tracing 2>/dev/null || true
chmod g+rw $tracing/kprobe_events
trap 'mount -o remount,gid=0,mode=0700 $tracing' EXIT
mkdir -p theirs
chown 4242:4242 theirs
# CAP_SYS_ADMIN is what a paranoid level of 3 or more asks for; CAP_DAC_READ_SEARCH reads what the probe's own folder holds.
echo 3 >/proc/sys/kernel/perf_event_paranoid
level=$(cat /proc/sys/kernel/perf_event_paranoid)
record_as() { # NAME CAPABILITY...
  name=$1
  shift
  rm -f "$name.fifo" truth.csv
  mkfifo "$name.fifo"
  vm-workload as 4242 "$@" tcpaccept-record --ring-size 256k -o "theirs/$name.tcpa" 2>"$name.fifo" &
  echo $! >"$name.pid"
  exec 3<"$name.fifo"
  read -r line <&3 || fail "$name: nothing was said"
  case "$line" in
    *': recording to '*) ;;
    *) fail "$name: $line" ;;
  esac
  cat <&3 >"$name.err" &
  echo $! >"$name.reader"
  exec 3<&-
  workload v4 v6 threads
  stop_record "$name"
  no_probe
  cp "theirs/$name.tcpa" .
  same_csv "$name.tcpa"
}
record_as admin +21 +2
echo 2 >/proc/sys/kernel/perf_event_paranoid
if ! kernel_before 5 8; then record_as perfmon +38 +2; fi
echo "$level" >/proc/sys/kernel/perf_event_paranoid
