# When the recorder records it has no privilege left; the process it leaves behind has what opening events takes, and no more.
expect() { # PID FIELD VALUE
  value=$(sed -n "s/^$2:[[:space:]]*//p" "/proc/$1/status" | tr '\t' ' ')
  [ "$value" = "$3" ] || fail "$2 of process $1 ($(cat "/proc/$1/comm")) is [$value], not [$3]"
}
unprivileged() {
  for set in CapInh CapPrm CapEff CapBnd CapAmb; do expect "$1" $set 0000000000000000; done
  expect "$1" NoNewPrivs 1
  expect "$1" Uid '65534 65534 65534 65534'
  expect "$1" Gid '65534 65534 65534 65534'
  expect "$1" Groups ''
}
start_record plain -o plain.tcpa
unprivileged "$(cat plain.pid)"
# Nothing is open for writing in tracefs: the keeper alone can remove the probe.
writes_no_tracefs() { # PID
  for fd in "/proc/$1/fd"/*; do
    case "$(readlink "$fd")" in
      /sys/kernel/tracing/* | /sys/kernel/debug/tracing/*)
        case "$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$1/fdinfo/${fd##*/}")" in
          *[12]) fail "process $1 ($(cat "/proc/$1/comm")) has $(readlink "$fd") open for writing" ;;
        esac
        ;;
    esac
  done
}
writes_no_tracefs "$(cat plain.pid)"
keeper=$(cat "/proc/$(cat plain.pid)/task/$(cat plain.pid)/children")
keeper=${keeper% }
caps=$(sed -n 's/^CapEff:[[:space:]]*//p' "/proc/$keeper/status")
# CAP_DAC_OVERRIDE (bit 1), CAP_SYS_ADMIN (bit 21) and, where the kernel has it, CAP_PERFMON (bit 38).
case "$caps" in
  0000004000200002 | 0000000000200002) ;;
  *) fail "the keeper's capabilities are $caps" ;;
esac
expect "$keeper" Uid '65534 65534 65534 65534'
expect "$keeper" NoNewPrivs 1
if (writes_no_tracefs "$keeper") >/dev/null; then fail 'the keeper cannot remove the probe'; fi
open=$(ls "/proc/$keeper/fd" | wc -l)
# Three of /dev/null, its socket, kprobe_events, and the switch of each event.
expected=$((5 + $(grep -c : $probes)))
[ "$open" = "$expected" ] || fail "the keeper holds $open descriptors, not $expected: $(ls -l "/proc/$keeper/fd")"
workload v4 v6
stop_record plain
no_probe
[ ! -e "/proc/$keeper" ] || fail "the keeper is still there"
same_csv plain.tcpa
start_live
unprivileged "$live_pid"
writes_no_tracefs "$live_pid"
stop_live
no_probe
