# What is no TCP accept, or none at all, leaves no row.
recorded_csv hidden unix sctp vsock udp failed refused interrupted shut-down no-fds
[ "$(wc -l <hidden.tcpa.csv)" = 1 ] || fail "rows: $(sed -n 2p hidden.tcpa.csv)"
# The same amid accepts that do show.
compare='--at-least 6'
recorded_csv amid v4 unix sctp vsock udp failed refused interrupted shut-down no-fds v6
