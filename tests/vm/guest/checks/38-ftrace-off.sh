# kernel.ftrace_enabled=0 silences every probe while all calls succeed: the recorder must notice before it claims to record. Where it
# does not, it is no reason to refuse.
sysctl -q -w kernel.ftrace_enabled=0
trap 'sysctl -q -w kernel.ftrace_enabled=1' EXIT
if ftrace_silences; then
  refuses 1 tcpaccept-record -o x.tcpa -d 1
  no_probe
else
  recorded_csv off v4 v6
fi
