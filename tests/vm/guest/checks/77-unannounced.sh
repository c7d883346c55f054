# CPUs that go and come without a word: when the machine is suspended, and by their hotplug/target. What they accept until
# somebody looks is shown or owned up to.
# limit: 90 s
cpu=/sys/devices/system/cpu/cpu1
[ -w $cpu/online ] || skip 'this machine has one CPU, or cannot switch it off'

# owned_up NAME: what is missing, the capture owns up to.
owned_up() {
  workload --count 300 burst
  kill -s INT "$(cat "$1.pid")"
  end_record "$1"
  no_probe
  status=0
  tcpaccept-report --format csv "$1.tcpa" >"$1.csv" 2>"$1.said" || status=$?
  vm-compare --pid-unknown truth.csv "$1.csv" >compare.log || true
  missed=$(sed -n 's/^expected .* missed \([0-9]*\),.*/\1/p' compare.log)
  grep -q ' extra 0, wrong 0' compare.log || fail_compare CSV
  bound=$(sed -n 's/.*unseen.*, at most \([0-9]*\)[:;].*/\1/p' "$1.said" | awk '{sum += $1} END {print sum + 0}')
  echo "$1: missed $missed, owned up to at most $bound, status $status"
  [ "$missed" -le "$bound" ] || fail "$1: $missed accepts are missing, the capture owns up to $bound"
  # Later ones have not gone missing.
  [ "$missed" -lt 300 ] || fail "$1: the CPU was not looked after"
}

clock=/sys/class/rtc/rtc0/wakealarm
if [ -w $clock ] && grep -q mem /sys/power/state; then
  start_record asleep -o asleep.tcpa
  workload v4
  echo 0 >$clock
  echo +2 >$clock
  echo mem >/sys/power/state || fail 'the machine cannot be suspended'
  owned_up asleep
else
  echo 'this machine cannot be suspended, or would not wake up'
fi

rm -f truth.csv
start_record target -o target.tcpa
workload v4
up=$(cat $cpu/hotplug/target)
echo 0 >$cpu/hotplug/target
echo "$up" >$cpu/hotplug/target
owned_up target
