# -p for a process that does not exist.
refuses 1 tcpaccept-record -o x.tcpa -p 999999
no_probe
[ ! -e x.tcpa ] || fail "an output file was made"
refuses 1 tcpaccept -p 999999
