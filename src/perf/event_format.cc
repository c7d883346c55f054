#include "perf/event_format.h"

#include <event-parse.h>
#include <regex.h>

#include <algorithm>
#include <limits>
#include <memory>

#include "core/error.h"

namespace tcpaccept::perf {
namespace {

constexpr std::uint32_t kMaxPayload = 64 * 1024;

struct TepFree {
  void operator()(tep_handle* tep) const { tep_free(tep); }
};

Error bad_format(const std::string& why) { return Error{"the kernel's event format is not understood: " + why}; }

FieldSlot slot_of(const tep_format_field& field) {
  if (field.offset < 0 || field.size < 0) throw bad_format("field with a negative place");
  FieldSlot slot{.kind = FieldSlot::Kind::kOther,
                 .offset = static_cast<std::uint32_t>(field.offset),
                 .size = static_cast<std::uint32_t>(field.size)};
  if (slot.offset > kMaxPayload || slot.size > kMaxPayload - slot.offset) throw bad_format("field beyond 64 KiB");

  const auto flags = field.flags;
  const bool dynamic = (flags & TEP_FIELD_IS_DYNAMIC) != 0;
  const bool array = (flags & TEP_FIELD_IS_ARRAY) != 0;
  const bool relative = (flags & TEP_FIELD_IS_RELATIVE) != 0;
  const bool number_size = slot.size == 1 || slot.size == 2 || slot.size == 4 || slot.size == 8;
  if (dynamic && !relative && slot.size == 4) {
    if ((flags & TEP_FIELD_IS_STRING) != 0) slot.kind = FieldSlot::Kind::kDynamicString;
  } else if (!dynamic && !array && number_size) {
    slot.kind = FieldSlot::Kind::kNumber;
  }
  return slot;
}

void append_fields(const tep_format_field* field, std::vector<EventFormat::Field>& to) {
  for (; field != nullptr; field = field->next) {
    if (field->name == nullptr) throw bad_format("field without a name");
    to.push_back({.name = field->name, .slot = slot_of(*field)});
  }
}

// A POSIX extended regular expression, compiled once. (std::regex of GCC 12 does not compile under -Werror.)
class Pattern {
 public:
  explicit Pattern(const char* expression) {
    if (::regcomp(&compiled_, expression, REG_EXTENDED | REG_NOSUB) != 0) throw bad_format("out of memory");
  }
  ~Pattern() { ::regfree(&compiled_); }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  bool matches(const std::string& text) const { return ::regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0; }

 private:
  regex_t compiled_{};
};

// What a kernel writes (kernel/trace/trace_events.c, f_show). libtraceevent 1.7.1 follows null pointers on other text.
void require_known_lines(std::string_view text) {
  static const Pattern known{
      "^(name: [[:alnum:]_]+|ID: [0-9]+|format:|"
      "\tfield:[[:alnum:]_][[:alnum:]_ *]*(\\[[[:alnum:]_]*\\])?( ?[[:alnum:]_]+)?(\\[[[:alnum:]_]*\\])?;"
      "\toffset:[0-9]+;\tsize:[0-9]+;(\tsigned:[01];)?)?$"};
  while (!text.empty()) {
    const std::string line{text.substr(0, text.find('\n'))};
    constexpr std::size_t kLongest = 512;
    if (line.size() > kLongest || !known.matches(line)) {
      throw bad_format("a line of it is none of a name, an id or a field");
    }
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
}

}  // namespace

FieldSlot EventFormat::find(std::string_view field) const {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const Field& f) { return f.name == field; });
  return found == fields.end() ? FieldSlot{} : found->slot;
}

EventFormat parse_event_format(std::string_view text) {
  if (text.size() > kMaxFormatText) throw bad_format("longer than 64 KiB");
  if (text.find('\0') != std::string_view::npos) throw bad_format("it contains a NUL byte");
  // The print format is a C expression that we never evaluate: leaving it out keeps the library's largest parser
  // away from the input, and keeps helpers it does not know from failing the whole event.
  std::string fields_only{text.substr(0, text.find("\nprint fmt:"))};
  require_known_lines(fields_only);
  fields_only += "\nprint fmt: \"\"\n";

  tep_set_loglevel(TEP_LOG_NONE);  // it would write its own complaints to stderr
  const std::unique_ptr<tep_handle, TepFree> tep{tep_alloc()};
  if (tep == nullptr) throw bad_format("out of memory");
  tep_set_long_size(tep.get(), sizeof(long));
  tep_set_page_size(tep.get(), 4096);

  tep_event* event = nullptr;  // owned by tep
  const tep_errno status =
      tep_parse_format(tep.get(), &event, fields_only.c_str(), static_cast<unsigned long>(fields_only.size()),
                       "tcpaccept");
  if (status != TEP_ERRNO__SUCCESS) {
    char why[160] = "";
    tep_strerror(tep.get(), status, why, sizeof why);
    throw bad_format(why[0] != '\0' ? why : "libtraceevent refused it");
  }
  if (event == nullptr || event->name == nullptr) throw bad_format("it has no name");
  if (event->id <= 0 || event->id > std::numeric_limits<std::uint16_t>::max()) {
    throw bad_format("event id " + std::to_string(event->id) + " is out of range");
  }

  EventFormat format{.name = event->name, .id = static_cast<std::uint16_t>(event->id), .fields = {}};
  append_fields(event->format.common_fields, format.fields);
  append_fields(event->format.fields, format.fields);
  // common_type is what tells samples of several events apart; everything rests on it.
  const FieldSlot type = format.find("common_type");
  if (!type.is_number() || type.offset != 0 || type.size != 2) throw bad_format("no common_type at its start");
  return format;
}

}  // namespace tcpaccept::perf
