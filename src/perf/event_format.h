// Where the fields of one trace event lie in its raw sample, read from the event's own `format` text.
//
// Kernels insert common fields and probes choose their own arguments, so no offset of a raw payload is ever
// written into this program. libtraceevent understands the text; it is used here and nowhere else, and only to
// resolve names once: tep_read_number_field costs 9 ns a field, a memcpy at a resolved offset half of one.
//
// The text may come from a file (replay), so it is treated as hostile: whatever is not understood is an Error
// that says why.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tcpaccept::perf {

// A place in the raw payload. Offsets count from the payload's first byte, where the common fields begin.
struct FieldSlot {
  enum class Kind : std::uint8_t {
    kAbsent,         // the event has no such field
    kNumber,         // one integer of 1, 2, 4 or 8 bytes in host byte order, unaligned
    kDynamicString,  // __data_loc: 4 bytes holding length << 16 | offset of the text in the payload
    kOther,          // something this program does not read (arrays, structures)
  };
  Kind kind = Kind::kAbsent;
  std::uint32_t offset = 0;
  std::uint32_t size = 0;

  bool operator==(const FieldSlot&) const = default;
  bool is_number() const { return kind == Kind::kNumber; }
  bool is_dynamic_string() const { return kind == Kind::kDynamicString; }
};

struct EventFormat {
  struct Field {
    std::string name;
    FieldSlot slot;
    bool operator==(const Field&) const = default;
  };

  std::string name;          // of the event, without its group
  std::uint16_t id = 0;      // common_type of its samples
  std::vector<Field> fields;  // common fields first, in the order of the text

  bool operator==(const EventFormat&) const = default;
  // A slot of kind kAbsent when there is no such field.
  FieldSlot find(std::string_view field) const;
};

// Longest text accepted; the events of this program have about 1.5 KiB.
inline constexpr std::size_t kMaxFormatText = 64 * 1024;

// Every slot returned lies within the first 64 KiB of a payload, the most perf can deliver. Throws Error.
EventFormat parse_event_format(std::string_view text);

}  // namespace tcpaccept::perf
