# As many connections as fast as four processes can make them.
# limit: 600 s
options="--count $BURST" compare="--at-least $BURST"
begun=$(cut -d . -f 1 /proc/uptime)
recorded_csv burst burst
echo "$BURST connections and their comparison took $(($(cut -d . -f 1 /proc/uptime) - begun)) s"
rm -f burst.tcpa.csv truth.csv
