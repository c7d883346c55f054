# MPTCP listeners with MPTCP and with plain clients, each also blocked in accept() before the recorder starts (not on kernels without).
compare='--at-least 21'
if kernel_before 5 11; then compare=''; fi
recorded_csv mptcp mptcp mptcp-v6 mptcp-dual mptcp-tcp mptcp-tcp-v6 mptcp-tcp-dual tcp-mptcp
if kernel_before 5 11; then exit 0; fi
compare='--at-least 3'
for scenario in mptcp mptcp-dual mptcp-tcp; do parked_csv parked-$scenario $scenario; done
