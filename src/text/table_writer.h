// The seed's table, to the byte for IPv4.
//
// Columns 8, 12, 20, 6 and 20 wide, left-aligned, one space between, SPORT last and unpadded; with a time column
// in front: TIME(s), 12 wide, seconds since the first row shown with six decimals (cut, not rounded), or
// TIME(UTC), 27 wide, "2026-11-23T08:10:50.123456Z". Longer values (IPv6, 15-byte names, escapes) overflow their
// width and stay separated by one space. Names are escaped as escape.h says; an escape counts as four columns.
#pragma once

#include "text/prepared.h"
#include "text/row_writer.h"

namespace tcpaccept::text {

class TableWriter final : public RowWriter {
 public:
  explicit TableWriter(TimeColumn time) : time_(time) {}

  capture::Columns columns() const override {
    using capture::ColumnId;
    return capture::columns_of(ColumnId::kTime, ColumnId::kListener, ColumnId::kPeer, ColumnId::kRport);
  }
  void append_header(Buffer& out) const override;
  void begin_batch(const capture::Batch& batch, std::uint64_t origin) override;
  void append_rows(Selection rows, Buffer& out) override;

 private:
  template <TimeColumn kTime>
  void append(Selection rows, Buffer& out);
  char* put_relative(char* to, std::uint64_t time);
  char* put_wall(char* to, std::uint64_t time);

  TimeColumn time_;
  const capture::Batch* batch_ = nullptr;
  std::uint64_t origin_ = 0;
  std::uint64_t wall_shift_ = 0;
  PeerTexts peers_;
  ListenerTexts listeners_;
  SecondText second_;
};

}  // namespace tcpaccept::text
