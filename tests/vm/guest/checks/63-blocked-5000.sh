# 5,000 threads blocked in accept() on one listener before the recorder starts. Each accepts twice: the wake-up from where it was parked,
# and once more.
# limit: 240 s
options='--count 5000' compare='--at-least 10000'
parked_csv before crowd
rm -f before.tcpa.csv truth.csv # thousands of rows
