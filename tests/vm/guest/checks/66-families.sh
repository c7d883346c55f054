# Kinds of addresses and listeners, and resets before the accept.
compare='--at-least 51'
recorded_csv families v4 v6 v4-dual v6-dual loopback loopback-v6 any any-v6 any-loopback dual-loopback dual-loopback6 mapped \
  link-local link-local-any reset reset-v6 reset-dual
! grep '%' families.tcpa.csv || fail "a scope in an address"
