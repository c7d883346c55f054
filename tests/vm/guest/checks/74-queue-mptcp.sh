# The figures of the accept queue with MPTCP.
compare='--figures --at-least 21'
if kernel_before 5 11; then compare=--figures; fi
recorded_csv queue queue-mptcp queue-mptcp-v6 queue-mptcp-tcp
