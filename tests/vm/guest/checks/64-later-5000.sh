# 5,000 threads that block in accept() after the recorder has started.
# limit: 240 s
options='--count 5000' compare='--at-least 10000'
recorded_csv after crowd
rm -f after.tcpa.csv truth.csv # thousands of rows
