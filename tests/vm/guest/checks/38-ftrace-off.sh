# kernel.ftrace_enabled=0 silences every probe while all calls succeed: the recorder must notice before it claims to record.
sysctl -q -w kernel.ftrace_enabled=0
trap 'sysctl -q -w kernel.ftrace_enabled=1' EXIT
refuses 1 tcpaccept-record -o x.tcpa -d 1
no_probe
