# In the guest: the situation of the seed with real daemons. sshd on port 22 and iperf3 on 5201 (both on a dual-stack listener or one per
# family, as their defaults have it), a recorder, two ssh clients and two iperf3 runs over IPv4, then the same over IPv6.
set -eu
. /vm/guest/lib.sh
mkdir -p /run/sshd /etc/ssh /root/.ssh
{
  echo 'sshd:x:100:65534:sshd:/run/sshd:/usr/sbin/nologin'
} >>/etc/passwd
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519
cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys
chmod 700 /root/.ssh
cat >/etc/ssh/sshd_config <<CONF
# As sshd comes: all addresses, one listener per family. No PAM in this small system.
UsePAM no
PermitRootLogin prohibit-password
CONF
echo 'PATH=/bin:/sbin:/usr/bin:/usr/sbin' >/root/.ssh/environment

# listening PORT: is there a TCP listener on it, in either family?
listening() {
  hex=$(printf '%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 | grep -q ":$hex 0*:0000 0A"
}
wait_for() { # until a condition holds; the daemons have no other way to say that they are ready
  tries=0
  while ! "$@"; do
    tries=$((tries + 1))
    [ $tries -lt 300 ] || fail "$* did not become true"
    sleep 0.1
  done
}
/usr/sbin/sshd -E /out/sshd.log
iperf3 -s >/out/iperf3.log 2>&1 &
iperf3_pid=$!
wait_for listening 22
wait_for listening 5201
echo 'Listeners (from /proc/net): ' >/out/listeners.txt
grep -h ' 0A ' /proc/net/tcp /proc/net/tcp6 >>/out/listeners.txt

cd /out
start_record "$KERNEL" -o "$KERNEL.tcpa" --raw "$KERNEL.raw"

client() {
  echo "\$ $*" >>/out/commands.txt
  "$@" >>/out/clients.log 2>&1 || fail "$* failed: $(tail -n 1 /out/clients.log)"
}
ssh_options='-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR'
# shellcheck disable=SC2086 # several options
{
  client ssh $ssh_options -b 192.168.60.1 root@192.168.60.170 true
  client ssh $ssh_options -b 192.168.60.1 root@192.168.60.170 true
  client iperf3 -c 192.168.60.170 -B 192.168.60.1 -n 1K
  client ssh $ssh_options -b fd00:60::1 root@fd00:60::170 true
  client iperf3 -6 -c fd00:60::170 -B fd00:60::1 -n 1K
}
stop_record "$KERNEL"
kill $iperf3_pid "$(cat /run/sshd.pid)"
rm -f ./*.fifo ./*.pid ./*.reader
uname -rv >/out/uname.txt
tcpaccept-report "$KERNEL.tcpa" >/out/table.txt
