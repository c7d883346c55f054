// JSON, one object per line (RFC 8259, pure ASCII), with the fields and names of csv_writer.h.
//
// Every row has every key; a field that was not recorded is null. Numbers are numbers (time_ns and cgroup can
// exceed 2^53), in_kernel is true or false, socket_family and protocol are strings. A comm that is not
// valid UTF-8 shows the replacement character for each bad byte and is followed by "comm_hex" with all its bytes.
#pragma once

#include "text/prepared.h"
#include "text/row_writer.h"

namespace tcpaccept::text {

class JsonWriter final : public RowWriter {
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
