#include "text/csv_writer.h"

#include <algorithm>

#include "text/address_text.h"
#include "text/escape.h"
#include "text/fields.h"

namespace tcpaccept::text {
namespace {

constexpr std::size_t kRowsPerBlock = 64;
constexpr std::size_t kMaxRow = 704;  // without the path of the cgroup

char* put_peer(const IpAddress& address, char* to) {
  to = put_address(to, address);
  *to++ = ',';
  return to;
}

// ",pid,...,in_kernel," and ",nspid,cgroup_path\r\n": everything that is the same for every accept of a listener.
ListenerTexts::Ends put_listener(const Listener& listener, std::string_view cgroup_path, char* to) {
  *to++ = ',';
  to = put_number(to, listener.pid);
  *to++ = ',';
  to = put_csv_cell(to, listener.comm.view());
  *to++ = ',';
  to = put_address(to, listener.saddr);
  *to++ = ',';
  to = put_number(to, std::uint32_t{listener.sport});
  *to++ = ',';
  *to++ = listener.saddr.is_v4() ? '4' : '6';
  *to++ = ',';
  to = put_socket_family(to, listener.family);
  *to++ = ',';
  if (listener.protocol != 0) to = put_protocol(to, listener.protocol);
  *to++ = ',';
  if (listener.netns != 0) to = put_number(to, listener.netns);
  *to++ = ',';
  if (listener.cgroup != 0) to = put_number(to, listener.cgroup);
  *to++ = ',';
  if (listener.backlog != kNotRecorded32) to = put_number(to, listener.backlog);
  *to++ = ',';
  *to++ = listener.in_kernel ? '1' : '0';
  *to++ = ',';
  char* const first = to;
  *to++ = ',';
  if (listener.nspid != 0) to = put_number(to, listener.nspid);
  *to++ = ',';
  to = put_csv_cell(to, cgroup_path);
  to = put(to, "\r\n");
  return {first, to};
}

}  // namespace

void CsvWriter::append_header(Buffer& out) const {
  out.append(
      "time_ns,wall_time,raddr,rport,pid,comm,saddr,sport,family,socket_family,protocol,netns,cgroup,backlog,"
      "in_kernel,tid,cpu,wait_us,ahead,rtt_us,left,nspid,cgroup_path\r\n");
}

void CsvWriter::begin_batch(const capture::Batch& batch, std::uint64_t /*origin*/) {
  batch_ = &batch;
  wall_shift_ = wall_shift(batch.clock);
  peers_.begin(batch);
  max_path_ = longest_path(batch) * kEscapedBytes;
  listeners_.begin(batch, max_path_);
}

void CsvWriter::append_rows(Selection rows, Buffer& out) {
  const capture::Batch& batch = *batch_;
  const auto format = [&](const Listener& listener, char* to) {
    return put_listener(listener, batch.cgroup_path(listener.cgroup), to);
  };
  while (!rows.empty()) {
    const Selection block = rows.first(std::min(rows.size(), kRowsPerBlock));
    char* to = out.room(block.size() * (kMaxRow + max_path_) + kScribble);
    for (const std::uint32_t row : block) {
      const std::uint64_t time = batch.time[row];
      to = put_nanoseconds(to, time, monotonic_);
      *to++ = ',';
      const std::uint32_t within = wall_.within(time + wall_shift_, put_wall_second);
      to = put_9(wall_.put(to), within);
      to = put(to, "Z,");
      to = peers_.put(to, batch.peer[row], put_peer);
      to = put_number(to, std::uint32_t{batch.rport[row]});
      const ListenerTexts::Texts texts = listeners_.get(batch.listener[row], format);
      to = put_piece<128>(to, texts.first, texts.first_length);
      if (batch.tid[row] != 0) to = put_number(to, batch.tid[row]);
      *to++ = ',';
      if (batch.cpu[row] != kNotRecorded16) to = put_number(to, std::uint32_t{batch.cpu[row]});
      *to++ = ',';
      if (batch.wait_us[row] != kNotRecorded64) to = put_number(to, batch.wait_us[row]);
      *to++ = ',';
      if (batch.ahead[row] != kNotRecorded32) to = put_number(to, batch.ahead[row]);
      *to++ = ',';
      if (batch.rtt_us[row] != kNotRecorded32) to = put_number(to, batch.rtt_us[row]);
      *to++ = ',';
      if (batch.left[row] != kNotRecorded32) to = put_number(to, batch.left[row]);
      to = put_piece<32>(to, texts.second, texts.second_length);
    }
    out.end_at(to);
    rows = rows.subspan(block.size());
  }
}

}  // namespace tcpaccept::text
