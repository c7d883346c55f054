# The guest's part of tests/bench/size: records ACCEPTS connections from 8 and from 4,683 addresses.
. /vm/guest/lib.sh
ip route add local 100.64.0.0/10 dev lo
ip -6 addr add 2001:db8::1/128 dev lo
ip -6 route add local 2001:db8::/32 dev lo
echo 1 >/proc/sys/net/ipv6/ip_nonlocal_bind
cd /out || exit 1
for addresses in 8 4683; do
  start_record "$addresses" -o "$addresses.tcpa"
  workload --count "$ACCEPTS" "spread-$addresses"
  stop_record "$addresses"
  rm truth.csv
done
