#include "text/json_writer.h"

#include <algorithm>

#include "text/address_text.h"
#include "text/escape.h"
#include "text/fields.h"

namespace tcpaccept::text {
namespace {

constexpr std::size_t kRowsPerBlock = 64;
constexpr std::size_t kMaxRow = 1152;  // without the path of the cgroup
// A path as a string and, where that cannot hold it, in hex as well.
constexpr std::size_t kPathBytes = kJsonBytes + 2;

template <typename Number>
char* put_or_null(char* to, Number value, Number not_recorded) {
  return value == not_recorded ? put(to, "null") : put_number(to, value);
}

char* put_peer(const IpAddress& address, char* to) { return put_address(to, address); }

// From "pid" to the key of "tid", and from "nspid" to the end: what is the same for every accept of a listener.
ListenerTexts::Ends put_listener(const Listener& listener, std::string_view cgroup_path, char* to) {
  to = put(to, ",\"pid\":");
  to = put_number(to, listener.pid);
  to = put(to, ",\"comm\":");
  const JsonString comm = put_json_string(to, listener.comm.view());
  to = comm.end;
  if (!comm.lossless) {
    to = put(to, ",\"comm_hex\":\"");
    to = put_hex(to, listener.comm.view());
    *to++ = '"';
  }
  to = put(to, ",\"saddr\":\"");
  to = put_address(to, listener.saddr);
  to = put(to, "\",\"sport\":");
  to = put_number(to, std::uint32_t{listener.sport});
  to = put(to, ",\"family\":");
  *to++ = listener.saddr.is_v4() ? '4' : '6';
  to = put(to, ",\"socket_family\":\"");
  to = put_socket_family(to, listener.family);
  to = put(to, "\",\"protocol\":");
  if (listener.protocol != 0) {
    *to++ = '"';
    to = put_protocol(to, listener.protocol);
    *to++ = '"';
  } else {
    to = put(to, "null");
  }
  to = put(to, ",\"netns\":");
  to = put_or_null(to, listener.netns, std::uint32_t{0});
  to = put(to, ",\"cgroup\":");
  to = put_or_null(to, listener.cgroup, std::uint64_t{0});
  to = put(to, ",\"backlog\":");
  to = put_or_null(to, listener.backlog, kNotRecorded32);
  to = put(to, ",\"in_kernel\":");
  to = listener.in_kernel ? put(to, "true") : put(to, "false");
  to = put(to, ",\"tid\":");
  char* const first = to;
  to = put(to, ",\"nspid\":");
  to = put_or_null(to, listener.nspid, std::uint32_t{0});
  to = put(to, ",\"cgroup_path\":");
  if (cgroup_path.empty()) {
    to = put(to, "null");
  } else {
    const JsonString path = put_json_string(to, cgroup_path);
    to = path.end;
    if (!path.lossless) {
      to = put(to, ",\"cgroup_path_hex\":\"");
      to = put_hex(to, cgroup_path);
      *to++ = '"';
    }
  }
  to = put(to, "}\n");
  return {first, to};
}

}  // namespace

void JsonWriter::append_header(Buffer& /*out*/) const {}

void JsonWriter::begin_batch(const capture::Batch& batch, std::uint64_t /*origin*/) {
  batch_ = &batch;
  wall_shift_ = wall_shift(batch.clock);
  peers_.begin(batch);
  max_path_ = longest_path(batch) * kPathBytes;
  listeners_.begin(batch, max_path_);
}

void JsonWriter::append_rows(Selection rows, Buffer& out) {
  const capture::Batch& batch = *batch_;
  const auto format = [&](const Listener& listener, char* to) {
    return put_listener(listener, batch.cgroup_path(listener.cgroup), to);
  };
  while (!rows.empty()) {
    const Selection block = rows.first(std::min(rows.size(), kRowsPerBlock));
    char* to = out.room(block.size() * (kMaxRow + max_path_) + kScribble);
    for (const std::uint32_t row : block) {
      const std::uint64_t time = batch.time[row];
      to = put(to, "{\"time_ns\":");
      to = put_nanoseconds(to, time, monotonic_);
      to = put(to, ",\"wall_time\":\"");
      const std::uint32_t within = wall_.within(time + wall_shift_, put_wall_second);
      to = put_9(wall_.put(to), within);
      to = put(to, "Z\",\"raddr\":\"");
      to = peers_.put(to, batch.peer[row], put_peer);
      to = put(to, "\",\"rport\":");
      to = put_number(to, std::uint32_t{batch.rport[row]});
      const ListenerTexts::Texts texts = listeners_.get(batch.listener[row], format);
      to = put_piece<256>(to, texts.first, texts.first_length);
      to = put_or_null(to, batch.tid[row], std::uint32_t{0});
      to = put(to, ",\"cpu\":");
      to = batch.cpu[row] == kNotRecorded16 ? put(to, "null") : put_number(to, std::uint32_t{batch.cpu[row]});
      to = put(to, ",\"wait_us\":");
      to = put_or_null(to, batch.wait_us[row], kNotRecorded64);
      to = put(to, ",\"ahead\":");
      to = put_or_null(to, batch.ahead[row], kNotRecorded32);
      to = put(to, ",\"rtt_us\":");
      to = put_or_null(to, batch.rtt_us[row], kNotRecorded32);
      to = put(to, ",\"left\":");
      to = put_or_null(to, batch.left[row], kNotRecorded32);
      to = put_piece<64>(to, texts.second, texts.second_length);
    }
    out.end_at(to);
    rows = rows.subspan(block.size());
  }
}

}  // namespace tcpaccept::text
