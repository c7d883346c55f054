# Two runs of one scenario are the same text, that of every kernel, which is kept beside this check; and --diff says so.
golden=/vm/guest/canonical.csv
columns=pid,comm,raddr,rport,saddr,sport
for run in 1 2; do
  rm -f truth.csv
  start_record $run -o $run.tcpa
  workload v4 v6 v4-dual comm epoll reset
  stop_record $run
  tcpaccept-report --canonical=ports --format csv --columns $columns $run.tcpa >$run.csv || fail "--canonical ended with status $?"
  cmp $golden $run.csv || { cat $run.csv; fail "run $run is not $golden"; }
done

answers() { # status, arguments
  wanted=$1
  shift
  status=0
  tcpaccept-report --diff --canonical=ports "$@" >diff.txt 2>diff.err || status=$?
  [ "$status" = "$wanted" ] || fail "--diff $* ended with status $status, not $wanted: $(tail -n 1 diff.txt diff.err)"
  echo "--diff $*: $(tail -n 1 diff.txt)"
}
answers 0 1.tcpa 2.tcpa
answers 0 $golden 1.tcpa
answers 0 --sequence --columns $columns $golden 2.tcpa

# What came too much, or not at all, is a difference.
rm -f truth.csv
start_record less -o less.tcpa
workload v4 v6 v4-dual comm epoll
stop_record less
answers 1 1.tcpa less.tcpa
answers 1 less.tcpa 1.tcpa

# A recording that lost accepts proves nothing about what it lacks.
start_record lossy -o lossy.tcpa --ring-size 4k
kill -s STOP "$(cat lossy.pid)"
vm-workload run --truth other.csv --count 500 burst || fail 'the workload failed'
kill -s CONT "$(cat lossy.pid)"
kill -s INT "$(cat lossy.pid)"
end_record lossy
answers 3 lossy.tcpa lossy.tcpa
