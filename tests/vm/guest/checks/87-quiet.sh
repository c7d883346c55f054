# A quiet recording stays small while it goes on and is as compact as any when it ends; a report that follows it, or looks
# at it in between, shows each accept once.
# limit: 200 s
start_record quiet -o quiet.tcpa
begin=$(stat -c %s quiet.tcpa)
vm-workload as 0 tcpaccept-report --format csv -f quiet.tcpa >followed.csv 2>followed.err &
follower=$!
largest=0
shown() { # at least so many accepts, each once
  tcpaccept-report --columns time_ns --format csv quiet.tcpa 2>/dev/null | tail -n +2 >times
  [ "$(wc -l <times)" -ge "$1" ] && [ "$(sort -u times | wc -l)" = "$(wc -l <times)" ]
}
rounds=25
i=0
while [ "$i" -lt "$rounds" ]; do
  i=$((i + 1))
  workload v4 # two accepts or so
  rows=$(grep -c '^accept,' truth.csv || true)
  cat truth.csv >>all.csv
  rm truth.csv
  total=$((${total:-0} + rows))
  becomes_true shown "$total"
done
size=$(stat -c %s quiet.tcpa)
each=$(((size - begin) / total))
[ "$each" -le 150 ] || fail "$each bytes for each of $total accepts while recording"
stop_record quiet
wait "$follower" || fail "the follower ended with status $?: $(cat followed.err)"
tcpaccept-report --require-complete --format csv quiet.tcpa >quiet.csv || fail "not complete"
cmp quiet.csv followed.csv || fail "the follower saw something else"
final=$(stat -c %s quiet.tcpa)
tcpaccept-report --format capture -o again.tcpa quiet.tcpa || fail "cannot be written anew"
tcpaccept-report --format csv again.tcpa | cmp - quiet.csv || fail "written anew it says something else"
[ "$final" -le $(($(stat -c %s again.tcpa) + 64)) ] || fail "$final bytes, written anew $(stat -c %s again.tcpa)"
echo "$total accepts: $each bytes each while recording, $(((final - begin) / total)) at the end"
no_probe
