# Unknown options and bad values: status 2, nothing recorded.
for arguments in --nonsense '-p x' '-p 0' '-p -1' '-d x' '-c x' '--ring-size x' '--plan x'; do
  status=0
  # shellcheck disable=SC2086 # option and value
  tcpaccept-record -o x.tcpa $arguments >out 2>err || status=$?
  [ $status = 2 ] || fail "tcpaccept-record $arguments: status $status, not 2"
  [ -s err ] || fail "tcpaccept-record $arguments said nothing"
done
[ ! -e x.tcpa ] || fail "an output file was made"
for arguments in --nonsense '-p x' '-p'; do
  status=0
  # shellcheck disable=SC2086
  tcpaccept $arguments >out 2>err || status=$?
  [ $status = 2 ] || fail "tcpaccept $arguments: status $status, not 2"
done
