// CSV by RFC 4180: a header row, CRLF after every row, every recorded field.
//
// Columns, in this order for ever (new ones are appended):
//   time_ns        nanoseconds of CLOCK_MONOTONIC of the recording host
//   wall_time      the same instant, UTC, "2026-11-23T08:10:50.123456789Z"
//   raddr, rport   remote address and port
//   pid, comm      accepting process; comm escaped as escape.h says
//   saddr, sport   local address and port
//   family         4 or 6, as shown: an IPv4 client of an IPv6 socket is 4
//   socket_family  of the socket: inet, inet6, or a number
//   protocol       tcp, mptcp, or a number
//   netns          inode of the network namespace
//   cgroup         cgroup v2 id
//   backlog        the listener's limit on waiting connections
//   in_kernel      1 if the kernel itself accepted, else 0
//   tid            accepting thread
//   cpu            where accept() ran
//   wait_us        microseconds from established to accepted
//   ahead          connections waiting in the accept queue when this one joined it
//   rtt_us         microseconds, SYN-ACK round trip
//   left           connections still waiting in the accept queue after this accept
//   nspid          pid of the accepting process in its own, innermost pid namespace
//   cgroup_path    path of the cgroup below the cgroup v2 mount, escaped like comm
// A field that was not recorded is empty.
#pragma once

#include "text/prepared.h"
#include "text/row_writer.h"

namespace tcpaccept::text {

class CsvWriter final : public RowWriter {
 public:
  void append_header(Buffer& out) const override;
  void begin_batch(const capture::Batch& batch, std::uint64_t origin) override;
  void append_rows(Selection rows, Buffer& out) override;

 private:
  const capture::Batch* batch_ = nullptr;
  std::uint64_t wall_shift_ = 0;
  PeerTexts peers_;
  ListenerTexts listeners_;
  std::size_t max_path_ = 0;  // longest text of a cgroup's path in this batch, bytes
  SecondText monotonic_;
  SecondText wall_;
};

}  // namespace tcpaccept::text
