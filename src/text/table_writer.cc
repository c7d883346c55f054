#include "text/table_writer.h"

#include <algorithm>

#include "text/address_text.h"
#include "text/escape.h"

namespace tcpaccept::text {
namespace {

constexpr std::size_t kTimeWidth = 12;
constexpr std::size_t kWallWidth = 27;
constexpr std::size_t kPidWidth = 8;
constexpr std::size_t kCommWidth = 12;
constexpr std::size_t kAddressWidth = 20;
constexpr std::size_t kPortWidth = 6;

constexpr std::size_t kRowsPerBlock = 64;
constexpr std::size_t kMaxRow = 384;

// Fills the column that began at `begin` with spaces up to `width` and adds the one between columns.
char* end_column(char* begin, char* end, std::size_t width) {
  while (static_cast<std::size_t>(end - begin) < width) *end++ = ' ';
  *end++ = ' ';
  return end;
}

char* put_address_column(const IpAddress& address, char* to) {
  return end_column(to, put_address(to, address), kAddressWidth);
}

// PID and COMM, then SADDR and SPORT with the end of the line.
ListenerTexts::Ends put_listener(const Listener& listener, char* to) {
  to = end_column(to, put_number(to, listener.pid), kPidWidth);
  to = end_column(to, put_escaped(to, listener.comm.view()), kCommWidth);
  char* const first = to;
  to = put_address_column(listener.saddr, to);
  to = put_number(to, std::uint32_t{listener.sport});
  *to++ = '\n';
  return {first, to};
}

char* put_relative_second(std::uint64_t instant, char* to, std::uint64_t& begin) {
  const std::uint64_t second = instant / kNanosPerSecond;
  begin = second * kNanosPerSecond;
  to = put_number(to, second);
  *to++ = '.';
  return to;
}

}  // namespace

void TableWriter::append_header(Buffer& out) const {
  const auto column = [&](std::string_view name, std::size_t width) {
    char* to = out.room(width + name.size() + 1);
    std::memcpy(to, name.data(), name.size());
    out.end_at(end_column(to, to + name.size(), width));
  };
  if (time_ == TimeColumn::kRelative) column("TIME(s)", kTimeWidth);
  if (time_ == TimeColumn::kWall) column("TIME(UTC)", kWallWidth);
  column("PID", kPidWidth);
  column("COMM", kCommWidth);
  column("RADDR", kAddressWidth);
  column("RPORT", kPortWidth);
  column("SADDR", kAddressWidth);
  out.append("SPORT\n");
}

void TableWriter::begin_batch(const capture::Batch& batch, std::uint64_t origin) {
  batch_ = &batch;
  origin_ = origin;
  wall_shift_ = wall_shift(batch.clock);
  peers_.begin(batch);
  listeners_.begin(batch);
}

char* TableWriter::put_relative(char* to, std::uint64_t time) {
  char* const begin = to;
  std::uint64_t instant = time - origin_;
  if (static_cast<std::int64_t>(instant) < 0) [[unlikely]] {  // a merged input whose clock was set back
    instant = 0 - instant;
    *to++ = '-';
  }
  const std::uint32_t within = second_.within(instant, put_relative_second);
  to = put_6(second_.put(to), within / 1000);
  std::memset(to, ' ', kTimeWidth + 1);
  return std::max(to + 1, begin + kTimeWidth + 1);
}

char* TableWriter::put_wall(char* to, std::uint64_t time) {
  const std::uint32_t within = second_.within(time + wall_shift_, put_wall_second);
  to = put_6(second_.put(to), within / 1000);
  return put(to, "Z ");
}

template <TimeColumn kTime>
void TableWriter::append(Selection rows, Buffer& out) {
  const std::uint64_t* const time = batch_->time.data();
  const std::uint16_t* const listener = batch_->listener.data();
  const std::uint16_t* const peer = batch_->peer.data();
  const std::uint16_t* const rport = batch_->rport.data();
  while (!rows.empty()) {
    const Selection block = rows.first(std::min(rows.size(), kRowsPerBlock));
    char* to = out.room(block.size() * kMaxRow + kScribble);
    for (const std::uint32_t row : block) {
      if constexpr (kTime == TimeColumn::kRelative) to = put_relative(to, time[row]);
      if constexpr (kTime == TimeColumn::kWall) to = put_wall(to, time[row]);
      const ListenerTexts::Texts texts = listeners_.get(listener[row], put_listener);
      to = put_piece<32>(to, texts.first, texts.first_length);
      to = peers_.put(to, peer[row], put_address_column);
      std::memset(put_number(to, std::uint32_t{rport[row]}), ' ', kPortWidth);
      to += kPortWidth + 1;
      to = put_piece<64>(to, texts.second, texts.second_length);
    }
    out.end_at(to);
    rows = rows.subspan(block.size());
  }
}

void TableWriter::append_rows(Selection rows, Buffer& out) {
  switch (time_) {
    case TimeColumn::kNone:
      return append<TimeColumn::kNone>(rows, out);
    case TimeColumn::kRelative:
      return append<TimeColumn::kRelative>(rows, out);
    case TimeColumn::kWall:
      return append<TimeColumn::kWall>(rows, out);
  }
}

}  // namespace tcpaccept::text
