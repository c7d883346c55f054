// Builds perf records byte by byte for tests, so that a test names only what it is about.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/byte_cursor.h"

namespace tcpaccept::perf::test {

class ByteBuilder {
 public:
  template <typename T>
  ByteBuilder& add(T value) {
    return add_bytes(std::as_bytes(std::span{&value, 1}));
  }
  ByteBuilder& add_bytes(Bytes bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  ByteBuilder& add_text(std::string_view text) { return add_bytes(std::as_bytes(std::span{text})); }
  ByteBuilder& pad_to(std::size_t multiple) {
    while (bytes_.size() % multiple != 0) bytes_.push_back(std::byte{0});
    return *this;
  }
  const std::vector<std::byte>& bytes() const { return bytes_; }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  std::vector<std::byte> bytes_;
};

inline constexpr std::uint32_t kLost = 2;
inline constexpr std::uint32_t kThrottle = 5;
inline constexpr std::uint32_t kSample = 9;
inline constexpr std::uint32_t kLostSamples = 13;

// A whole record: header, then `body`, padded to 8.
inline std::vector<std::byte> record(std::uint32_t type, Bytes body) {
  ByteBuilder builder;
  builder.add(type).add(std::uint16_t{0}).add(std::uint16_t{0}).add_bytes(body).pad_to(8);
  const auto size = static_cast<std::uint16_t>(builder.bytes().size());
  std::memcpy(builder.bytes().data() + 6, &size, sizeof size);
  return builder.bytes();
}

struct SampleHead {
  std::uint32_t pid = 4711;
  std::uint32_t tid = 4712;
  std::uint64_t time = 5'000'000'123;
  std::uint32_t cpu = 3;
};

// A PERF_RECORD_SAMPLE with TID, TIME, CPU, RAW and, unless null, CGROUP. The raw data is padded as the kernel
// pads it: the 4 bytes of its size and itself together fill a multiple of 8.
inline std::vector<std::byte> sample(const SampleHead& head, std::vector<std::byte> raw,
                                     const std::uint64_t* cgroup = nullptr) {
  while ((raw.size() + 4) % 8 != 0) raw.push_back(std::byte{0});
  ByteBuilder body;
  body.add(head.pid).add(head.tid).add(head.time).add(head.cpu).add(std::uint32_t{0});
  body.add(static_cast<std::uint32_t>(raw.size())).add_bytes(raw);
  if (cgroup != nullptr) body.add(*cgroup);
  return record(kSample, body.bytes());
}

// A format text: the common fields, __probe_ip at 8, then `fields` as "type name;size" laid out without gaps
// from 16 on, which is what the kernel does for probes.
struct FieldText {
  std::string type;
  std::string name;
  unsigned size;
};

inline std::string format_text(const std::string& event, unsigned id, const std::vector<FieldText>& fields,
                               const std::string& address = "__probe_ip") {
  std::string text = "name: " + event + "\nID: " + std::to_string(id) +
                     "\nformat:\n"
                     "\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
                     "\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"
                     "\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"
                     "\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
                     "\tfield:unsigned long " +
                     address + ";\toffset:8;\tsize:8;\tsigned:0;\n";
  unsigned offset = 16;
  for (const FieldText& field : fields) {
    text += "\tfield:" + field.type + " " + field.name + ";\toffset:" + std::to_string(offset) +
            ";\tsize:" + std::to_string(field.size) + ";\tsigned:0;\n";
    offset += field.size;
  }
  return text + "\nprint fmt: \"(%lx)\", REC->" + address + "\n";
}

}  // namespace tcpaccept::perf::test
