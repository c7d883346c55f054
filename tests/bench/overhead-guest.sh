# shellcheck shell=sh
# shellcheck disable=SC2016 # dollars in single quotes are for the kernel
# Guest half of tests/bench/overhead. Leaves in /out one folder per variant with what the host's table is made of: `measured` (lines of
# accept_loop: rounds in nanoseconds, processor time of the tracer before and after), `end` (its total), `recorded` (events it has) and
# `bytes` (its file). $ROUNDS and $COUNT say how many accepts, $PARTS whether our own recorder is taken apart too.
tracing=/sys/kernel/tracing
kprobes=/sys/kernel/debug/kprobes/list
PATH=$PATH:/vm/bench

# What a user of perf or trace-cmd would write down to see what tcpaccept shows: family, ports, both addresses for IPv4 and for IPv6. The
# offsets are those of struct sock_common, the same on all kernels from 5.10 on; comm and pid these tools record by themselves.
kretprobe='r:bench/accept inet_csk_accept family=+16($retval):u16 rport=+12($retval):u16 sport=+14($retval):u16'
kretprobe="$kretprobe"' raddr=+0($retval):u32 saddr=+4($retval):u32'
kretprobe="$kretprobe"' raddr6=+56($retval):x64 raddr6b=+64($retval):x64 saddr6=+72($retval):x64 saddr6b=+80($retval):x64'

define() { echo "$1" >>"$tracing/kprobe_events"; }

# Nothing else runs when a variant begins, and nothing of it is left when it ends.
clean() {
  trace-cmd reset >/dev/null 2>&1
  echo >"$tracing/kprobe_events" || echo "overhead: a probe is left: $(cat "$tracing/kprobe_events")"
}

# Until the kernel shows a live probe, and then until the tracer has settled; idle time costs nothing here.
wait_for_probe() {
  tries=0
  until grep -q . "$kprobes" && ! grep -q DISABLED "$kprobes"; do
    tries=$((tries + 1))
    [ "$tries" -lt 600 ] && kill -0 "$tracer" 2>/dev/null || return 1
    sleep 0.1
  done
  sleep 3
}

nothing() { # variant
  mkdir -p "/out/$1"
  accept_loop accepts "$ROUNDS" "$COUNT" >"/out/$1/measured"
}

# Starts a tracer, makes the accepts, ends it. The tracer's output is in /tmp/out, its messages in /out/VARIANT/messages.
measure() { # variant, program, argument...
  name=$1
  shift
  dir=/out/$name
  mkdir -p "$dir"
  echo "overhead: $name"
  accept_loop run "$dir/end" "$@" >/tmp/out 2>"$dir/messages" &
  tracer=$!
  if wait_for_probe; then
    accept_loop idle 10 "$tracer" >"$dir/measured"
    accept_loop accepts "$ROUNDS" "$COUNT" "$tracer" >>"$dir/measured"
  else
    echo "overhead: $name did not start: $(tail -n 1 "$dir/messages")"
  fi
  kill -INT "$tracer" 2>/dev/null
  wait "$tracer"
}

recorded() { # variant, events, file or nothing
  echo "$2" >"/out/$1/recorded"
  if [ -n "${3:-}" ]; then stat -c %s "$3" >"/out/$1/bytes"; fi
  rm -f /tmp/out /tmp/capture*
}

# A definition of the running recorder under a name of this benchmark.
ours() { # definition, new name
  echo "$1" | sed "s,^p:[^ ]*,p:bench/$2,"
}

held() { # variant, cgroup|-, event, filter, ...
  variant=$1
  shift
  measure "$variant" accept_loop hold "$@"
  recorded "$variant" "$(cat /tmp/out)"
  clean
}

# The probe of the running recorder taken apart. Each part is the one before and something more, until the last two.
parts() {
  tcp=$(sed -n 's/^tcpaccept-record: probe: \(p:[^ ]*_tcp .*\)/\1/p' /out/tcpaccept-record/messages)
  mptcp=$(sed -n 's/^tcpaccept-record: probe: \(p:[^ ]*_mptcp .*\)/\1/p' /out/tcpaccept-record/messages)
  place=$(echo "$tcp" | cut -d ' ' -f 2)
  define "p:bench/empty $place"
  held part-1 - bench/empty ''
  define "$(ours "$tcp" tcp | sed 's/ comm=$comm//')"
  held part-2 - bench/tcp ''
  define "$(ours "$tcp" tcp)"
  held part-3 - bench/tcp ''
  define "$(ours "$tcp" tcp)"
  held part-4 cgroup bench/tcp proto==6
  if [ -n "$mptcp" ]; then
    define "$(ours "$tcp" tcp)"
    define "p:bench/mptcp $place $(echo "$mptcp" | grep -o 'proto=[^ ]*')"
    held part-5 cgroup bench/tcp proto==6 bench/mptcp proto==262
    define "$(ours "$tcp" tcp)"
    define "$(ours "$mptcp" mptcp | sed 's/ \(est\|srtt\|ahead\|limit\)=[^ ]*//g')"
    held part-6 cgroup bench/tcp proto==6 bench/mptcp proto==262
    define "$(ours "$tcp" tcp)"
    define "$(ours "$mptcp" mptcp)"
    held part-7 cgroup bench/tcp proto==6 bench/mptcp proto==262
  fi
  define "$kretprobe"
  held part-8 - bench/accept ''
}

clean
nothing base-first

measure tcpaccept-record tcpaccept-record -v -o /tmp/capture
recorded tcpaccept-record "$(($(tcpaccept-report --format csv /tmp/capture | wc -l) - 1))" /tmp/capture

measure tcpaccept tcpaccept
recorded tcpaccept "$(grep -c ' accept_loop ' /tmp/out)"

define "$kretprobe"
measure perf perf record -a -e bench:accept -o /tmp/capture
recorded perf "$(perf script -i /tmp/capture -F event 2>/dev/null | grep -c 'bench:accept')" /tmp/capture
clean

define "$kretprobe"
measure trace-cmd trace-cmd record -e bench:accept -o /tmp/capture
recorded trace-cmd "$(trace-cmd report -i /tmp/capture 2>/dev/null | grep -c ' accept: ')" /tmp/capture
clean

# The header has not been brought along for two constants.
sed 's,#include <sys/socket.h>,#define AF_INET 2\n#define AF_INET6 10,' /vm/bench/tcpaccept.bt >/tmp/tcpaccept.bt
measure bpftrace bpftrace /tmp/tcpaccept.bt
recorded bpftrace "$(grep -c ' accept_loop ' /tmp/out)"

if [ -n "${PARTS:-}" ]; then parts; fi
nothing base-last
