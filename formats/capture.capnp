@0xe3b4f3c0a1d27c55;
# The capture file of tcpaccept: a plain sequence of standard-framed Cap'n Proto messages, each a Frame.
# formats/capture.md is the specification (duties of readers, packed columns, evolution); this file fixes the
# types. It imports nothing, so that tools which read only bare schemas (ClickHouse) can load it.
#
# Rules of change: ordinals are only ever appended; an absent pointer or a default value means "not recorded";
# text that comes from a kernel or a stranger is Data or must be treated as hostile when shown.

struct Frame {
  # Exactly one of start, batch, packed and end is set in frames of this version. A reader skips and counts a
  # frame that holds none of those it knows.
  sync @0 :UInt64;
  # Always 0x0a7063617063748a: the bytes 8a 't' 'c' 'p' 'a' 'c' 'p' 0a at offset 16 of every frame.
  crc @1 :UInt32;
  # CRC-32C (Castagnoli) over all bytes of the message, segment table included, with this field zero.
  minimumReader @2 :UInt16;
  # The lowest format version a reader must know to interpret this frame without misleading: 2 for batches, 1 for others.
  headCheck @3 :UInt16;
  # Low 16 bits of the CRC-32C over the first 16 bytes of the message (its lengths), so that a damaged length
  # is noticed before a reader waits for bytes that never come.

  start @4 :Start;
  batch @5 :Batch;
  packed @6 :PackedBatch;
  end @7 :End;

  indexLength @8 :UInt32;
  # The first so many bytes of the message hold all of a batch but its columns of events; a multiple of 8. With them a
  # reader decides whether it needs the rest. 0 = the whole message (format version 1).
  indexCrc @9 :UInt32;
  # CRC-32C over those bytes, with crc and this field zero.
}

struct Clock {
  # One instant on three clocks, nanoseconds.
  monotonic @0 :UInt64;  # CLOCK_MONOTONIC
  realtime @1 :Int64;    # CLOCK_REALTIME, since 1970-01-01 UTC
  boottime @2 :UInt64;   # CLOCK_BOOTTIME
}

struct Ledger {
  # The completeness account of the slice of time [begin, end), nanoseconds of CLOCK_MONOTONIC. Over a session:
  # hits = written + filtered + lost.
  begin @0 :UInt64;
  end @1 :UInt64;
  hits @2 :UInt64;      # events the probe delivered after the kernel's own filter
  misses @3 :UInt64;    # accepts the probe itself could not see (kprobe_profile)
  lost @4 :UInt64;      # hits that did not fit a ring, or could not be decoded
  filtered @5 :UInt64;  # left out on request
  written @6 :UInt64;   # in batches
}

struct Extras {
  # What most batches have nothing of.
  cpuLosses @0 :List(CpuLoss);  # where the ledger's lost samples were lost
  gaps @1 :List(Gap);           # stretches of time in which the probe could not see
  cgroups @2 :List(Cgroup);     # paths of the listeners' cgroups, where known; ids ascend
}

struct CpuLoss {
  cpu @0 :UInt16;
  lost @1 :UInt64;
}

struct Gap {
  # From begin to end, nanoseconds of CLOCK_MONOTONIC, accepts may have gone unseen.
  begin @0 :UInt64;
  end @1 :UInt64;
  atMost @2 :UInt64 = 0xffffffffffffffff;  # accepts that can be missing; default = any number
  cpu @3 :UInt16 = 0xffff;                 # the only CPU concerned; default = all
  reason @4 :UInt16;
  # 1 probes were switched off, 2 a CPU came online and its event was not open yet, 3 threads that waited in accept()
  # before a return probe was armed, 4 the probe was removed, 5 a damaged part of this capture was left out when it was
  # written anew, 6 the recording was not ended, so what came after its last flush is missing; 0 or any other number: another reason
}

struct Cgroup {
  id @0 :UInt64;    # of cgroup v2
  path @1 :Data;    # below its mount, "/system.slice/ssh.service"; at most 1024 bytes; hostile
}

struct Probe {
  plan @0 :Text;                 # "graft", "inet_accept", "csk_accept"
  symbol @1 :Text;               # probed kernel function
  definitions @2 :List(Text);    # as written to kprobe_events
  filter @3 :Text;               # in-kernel filter
  offsets @4 :Text;              # origin of structure offsets: "btf" or "default"
  notes @5 :List(Text);          # why other plans were passed over, what is missing
  selfTest @6 :List(Text);       # "IPv4: as expected": the recorder's own connections as the probe showed them
}

struct Start {
  # First frame of a session. `cat a b` makes a file with two sessions.
  recorder @0 :Text;      # program and version
  host @1 :Text;          # nodename
  kernel @2 :Text;        # uname -r
  kernelBuild @3 :Text;   # uname -v
  machine @4 :Text;       # uname -m
  distribution @5 :Text;  # PRETTY_NAME of os-release
  bootId @6 :Text;        # /proc/sys/kernel/random/boot_id
  cpus @7 :UInt32;        # online at start
  ringBytes @8 :UInt64;   # of each CPU's ring buffer
  pids @9 :List(UInt32);  # recorded processes; empty = all
  probe @10 :Probe;
  clock @11 :Clock;
}

struct Address {
  # The 16 bytes of an IPv6 address as two big-endian numbers; IPv4 is v4-mapped: high = 0,
  # low = 0x0000ffff00000000 + the address.
  high @0 :UInt64;
  low @1 :UInt64;
}

struct Listener {
  # What does not change between accepts of one process on one local endpoint.
  pid @0 :UInt32;        # process id in the recorder's pid namespace; 0 = a process outside it
  comm @1 :Data;         # command name of the accepting thread: 0 to 15 bytes, none of them NUL; hostile
  saddr @2 :Address;     # local address of the connection
  sport @3 :UInt16;      # local port
  family @4 :UInt8;      # of the socket: 2 AF_INET, 10 AF_INET6 (also for IPv4 on a dual-stack listener)
  inKernel @5 :Bool;     # accepted by the kernel itself, not by a system call
  protocol @6 :UInt16;   # 6 TCP, 262 MPTCP; 0 = not recorded
  netns @7 :UInt32;      # inode number of the network namespace; 0 = not recorded
  cgroup @8 :UInt64;     # cgroup v2 id; 0 = not recorded
  backlog @9 :UInt32 = 0xffffffff;  # limit on connections waiting for accept(); default = not recorded
  nspid @10 :UInt32;     # the process in its own, innermost pid namespace; 0 = not recorded
}

struct Batch {
  # Plain form: up to 65535 accepts as columns. All event columns have the same length, except that one which was
  # not recorded for any event may be empty. Times do not decrease within a batch.
  clock @0 :Clock;
  ledger @1 :Ledger;
  listeners @2 :List(Listener);
  peers @3 :List(Address);

  time @4 :List(UInt64);      # nanoseconds of CLOCK_MONOTONIC
  listener @5 :List(UInt16);  # index into listeners
  peer @6 :List(UInt16);      # index into peers: the remote address
  rport @7 :List(UInt16);     # remote port
  tid @8 :List(UInt32);       # accepting thread; 0 = not recorded
  cpu @9 :List(UInt16);       # 0xffff = not recorded
  waitUs @10 :List(UInt64);   # microseconds from established to accepted; all ones = not recorded
  ahead @11 :List(UInt32);    # connections in the accept queue on arrival; all ones = not recorded
  rttUs @12 :List(UInt32);    # microseconds, SYN-ACK round trip; all ones = not recorded
  left @13 :List(UInt32);     # connections still in the accept queue afterwards; all ones = not recorded
  extras @14 :Extras;

  # Since format version 2, as in PackedBatch.
  events @15 :UInt32;
  firstTime @16 :UInt64;
  lastTime @17 :UInt64;
  firstEvent @18 :UInt64 = 0xffffffffffffffff;
  open @19 :UInt32;
}

struct PackedBatch {
  # Compact form of the same batch: its tables, columns, clock and ledger as packed columns (capture.md, section 5).
  events @0 :UInt32;
  listeners @1 :UInt32;
  peers @2 :UInt32;
  firstTime @3 :UInt64;  # of the first and the last event; equal to the ends of the time column
  lastTime @4 :UInt64;
  columns @5 :Data;      # of events; in format version 1 everything else too
  extras @6 :Extras;
  tables @7 :Data;       # clock, ledger, listeners, peers
  firstEvent @8 :UInt64 = 0xffffffffffffffff;
  # How many events of the session came in batches before this one. Default = not recorded.
  peersV4 @10 :UInt32;
  # The first so many peers are IPv4, in a column of their own.
  open @9 :UInt32;
  # 0: this batch is final. Otherwise the recorder replaces it by one of the same firstEvent that holds at least the same
  # events: among those the highest number, or the final one, stands for all.
}

struct End {
  # Last frame of a session, present only after a clean stop. It adds certainty; nothing may depend on it.
  clock @0 :Clock;
  written @1 :UInt64;  # events in all batches of the session
  batches @2 :UInt64;
  reason @3 :Text;     # "signal", "duration", "count", "process 121 ended", ...

  # Of a part of the session nothing proves that no accept is missing, whatever its start says: captures were merged, or
  # what told of it was left out.
  probeUnproved @4 :Bool;      # its recorder did not prove that the probe works
  missesUncounted @5 :Bool;    # its kernel could not count what the probe missed
  lossesUncounted @6 :Bool;    # it has no ledgers
  switchesUnwatched @7 :Bool;  # its recorder could not watch whether somebody switches probes off
}
