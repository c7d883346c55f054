# The guest's part of tests/bench/peers: the same ACCEPTS connections from 4,683 addresses, recorded by each tool in turn.
. /vm/guest/lib.sh
tracing=/sys/kernel/tracing
ip route add local 100.64.0.0/10 dev lo
ip -6 addr add 2001:db8::1/128 dev lo
ip -6 route add local 2001:db8::/32 dev lo
echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind
cd /out || exit 1

start_record ours -o ours.tcpa
workload --count "$ACCEPTS" spread-4683
stop_record ours

# As in overhead-guest.sh.
# shellcheck disable=SC2016 # dollars in single quotes are for the kernel
kretprobe='r:bench/accept inet_csk_accept family=+16($retval):u16 rport=+12($retval):u16 sport=+14($retval):u16'
kretprobe="$kretprobe"' raddr=+0($retval):u32 saddr=+4($retval):u32'
kretprobe="$kretprobe"' raddr6=+56($retval):x64 raddr6b=+64($retval):x64 saddr6=+72($retval):x64 saddr6b=+80($retval):x64'
echo "$kretprobe" >>$tracing/kprobe_events
live() { grep -q . /sys/kernel/debug/kprobes/list && ! grep -q DISABLED /sys/kernel/debug/kprobes/list; }

peer() { # program, argument...
  vm-workload as 0 "$@" >/dev/null 2>&1 &
  becomes_true live
  workload --count "$ACCEPTS" spread-4683
  kill -s INT $!
  wait $! || true
  rm truth.csv
}
peer perf record -a -e bench:accept -o perf.data
peer trace-cmd record -e bench:accept -o trace.dat
