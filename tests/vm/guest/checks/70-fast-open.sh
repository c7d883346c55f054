# TCP Fast Open and SYN cookies.
compare='--at-least 21'
recorded_csv special fastopen fastopen-v6 fastopen-dual cookies cookies-v6 cookies-dual
