@0xb6c5f1e28f0a4d91;
# What a recording was made from: the recorder's inputs, byte for byte (tcpaccept-record --raw FILE). Replaying
# it through the same decoder gives the same capture, without a kernel. For tests and for bug reports about the
# recorder itself; captures are for everything else. A file is a sequence of standard-framed messages, each a Raw,
# the first with `setup`.

struct Raw {
  setup @0 :Setup;
  round @1 :Round;
  finish @2 :Finish;
}

struct Setup {
  start @0 :Data;              # the capture's first frame (capture.capnp), as bytes
  formats @1 :List(Data);      # format text of each perf event
  cgroup @2 :Bool;             # samples carry PERF_SAMPLE_CGROUP
  probeAddress @3 :UInt64;     # of the probed function; 0 = not known
  settle @4 :UInt64;           # nanoseconds a sample is held back to be put in order
  batchEvents @5 :UInt32;
  flushInterval @6 :UInt64;    # nanoseconds
  maxEvents @7 :UInt64;        # -c; 0 = no limit
  unused @8 :UInt32;
  reopen @9 :Bool;             # small batches were handed out open
}

struct Round {
  # One draining of all rings.
  monotonic @0 :UInt64;        # the three clocks, read before draining
  realtime @1 :Int64;
  boottime @2 :UInt64;
  hits @3 :UInt64;             # running totals, read after draining; all ones = not available
  kernelLost @4 :UInt64;
  probeMisses @5 :UInt64;
  chunks @6 :List(Chunk);
  lostByCpu @7 :List(CpuLost);         # running totals, as far as known
  gaps @8 :List(Unseen);               # that came to light before draining
  processes @9 :List(Process);         # looked up while the records were read, new or changed
  cgroups @10 :List(CgroupName);
  ended @11 :List(UInt32);             # processes of -p that had ended by `monotonic`
}

struct CpuLost {
  cpu @0 :UInt16;
  lost @1 :UInt64;
}

struct Unseen {                # a Gap of capture.capnp
  begin @0 :UInt64;
  end @1 :UInt64;
  atMost @2 :UInt64;
  cpu @3 :UInt16;
  reason @4 :UInt16;
}

struct Process {
  pid @0 :UInt32;
  nspid @1 :UInt32;
}

struct CgroupName {
  id @0 :UInt64;
  path @1 :Data;
}

struct Chunk {
  cpu @0 :UInt16;
  records @1 :Data;            # whole perf records in the order of the ring
}

struct Finish {
  reason @0 :Text;
}
