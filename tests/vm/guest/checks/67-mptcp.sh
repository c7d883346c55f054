# MPTCP listeners with MPTCP and with plain clients, each also blocked in accept() before the recorder starts (not on kernels without).
compare='--at-least 21'
fallback=tcp-mptcp
if kernel_before 5 11; then compare=''; fi
# One in some hundred connections of an MPTCP client to a plain TCP listener hangs on 7.2, without any tracer as well.
if ! kernel_before 7 0; then compare='--at-least 18' fallback=''; fi
recorded_csv mptcp mptcp mptcp-v6 mptcp-dual mptcp-tcp mptcp-tcp-v6 mptcp-tcp-dual $fallback
if kernel_before 5 11; then exit 0; fi
compare='--at-least 3'
for scenario in mptcp mptcp-dual mptcp-tcp; do parked_csv parked-$scenario $scenario; done
