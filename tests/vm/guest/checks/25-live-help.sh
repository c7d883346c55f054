# -h needs nothing and shows the seed's text.
tcpaccept -h >help.txt || fail "status $?"
[ "$(head -n 1 help.txt)" = 'usage: tcpaccept [-h] [-t] [-p PID]' ] || fail "first line: $(head -n 1 help.txt)"
for line in 'Trace TCP accepts' '  -h    show this help message and exit' '  -t    include timestamp on output' '  -p    trace this PID only' \
  '    ./tcpaccept           # trace all TCP accept()s' '    ./tcpaccept -t        # include timestamps' \
  '    ./tcpaccept -p 121    # only trace PID 121'; do
  grep -qxF -e "$line" help.txt || fail "missing line: $line"
done
