#include "perf/event_format.h"

#include <gtest/gtest.h>

#include "core/error.h"
#include "kernel_formats.h"
#include "record_builder.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define TCPACCEPT_LEAKS_ARE_WATCHED
#endif
#elif defined(__SANITIZE_ADDRESS__)
#define TCPACCEPT_LEAKS_ARE_WATCHED
#endif
#ifdef TCPACCEPT_LEAKS_ARE_WATCHED
#include <sanitizer/lsan_interface.h>
#endif

namespace tcpaccept::perf {
namespace {

// libtraceevent itself leaks a few bytes of a text it gives up on; in the programs that ends the command.
class LibraryMayLeak {
 public:
#ifdef TCPACCEPT_LEAKS_ARE_WATCHED
  LibraryMayLeak() { __lsan_disable(); }
  ~LibraryMayLeak() { __lsan_enable(); }
#else
  LibraryMayLeak() = default;
#endif
  LibraryMayLeak(const LibraryMayLeak&) = delete;
  LibraryMayLeak& operator=(const LibraryMayLeak&) = delete;
};

using Kind = FieldSlot::Kind;

TEST(EventFormat, ReadsAProbeOfARealKernel) {
  for (const auto& [kernel, id, text] : test::kKernelFormats) {
    SCOPED_TRACE(kernel);
    const EventFormat format = parse_event_format(text);
    EXPECT_EQ(format.id, id);
    EXPECT_TRUE(format.name.ends_with("_tcp") || format.name.ends_with("_mptcp")) << format.name;
    EXPECT_EQ(format.find("common_type"), (FieldSlot{Kind::kNumber, 0, 2}));
    EXPECT_EQ(format.find("common_pid"), (FieldSlot{Kind::kNumber, 4, 4}));
    EXPECT_EQ(format.find("__probe_ip"), (FieldSlot{Kind::kNumber, 8, 8}));
    EXPECT_EQ(format.find("pf"), (FieldSlot{Kind::kNumber, 16, 8}));
    EXPECT_EQ(format.find("sport"), (FieldSlot{Kind::kNumber, 56, 2}));
    EXPECT_EQ(format.find("kfile"), (FieldSlot{Kind::kNumber, 84, 8}));
    EXPECT_EQ(format.find("comm"), (FieldSlot{Kind::kDynamicString, 92, 4}));
    EXPECT_EQ(format.find("no_such_field"), FieldSlot{});
    EXPECT_EQ(format.find(""), FieldSlot{});
    EXPECT_EQ(format.fields.size(), 19u);
  }
}

// Linux 5.10 gives the length of an array, later ones leave it out; neither is a number.
TEST(EventFormat, ArraysAreNotNumbers) {
  const EventFormat format = parse_event_format(R"(name: e
ID: 7
format:
	field:unsigned short common_type;	offset:0;	size:2;	signed:0;
	field:u64 old[2];	offset:8;	size:16;	signed:0;
	field:u64 new[];	offset:24;	size:16;	signed:0;
	field:u8 one[8];	offset:40;	size:8;	signed:0;
	field:struct pair odd;	offset:48;	size:12;	signed:0;

print fmt: ""
)");
  EXPECT_EQ(format.find("old").kind, Kind::kOther);
  EXPECT_EQ(format.find("new").kind, Kind::kOther);
  EXPECT_EQ(format.find("one").kind, Kind::kOther);
  EXPECT_EQ(format.find("odd").kind, Kind::kOther);
}

TEST(EventFormat, ThePrintFormatDoesNotMatter) {
  std::string text = test::format_text("e", 9, {{"u32", "a", 4}});
  text = text.substr(0, text.find("print fmt"));
  const EventFormat expected = parse_event_format(text + "print fmt: \"\"\n");
  for (const char* print : {"", "print fmt: ", "print fmt: \"%s\", __no_such_helper(REC->a", "print fmt: ((((((((\n"}) {
    EXPECT_EQ(parse_event_format(text + print), expected) << print;
  }
}

TEST(EventFormat, RefusesWhatItCannotTrust) {
  [[maybe_unused]] const LibraryMayLeak leaks;
  const std::string good = test::format_text("e", 9, {{"u32", "a", 4}});
  ASSERT_NO_THROW(parse_event_format(good));
  const auto with = [&](const std::string& from, const std::string& to) {
    std::string text = good;
    text.replace(text.find(from), from.size(), to);
    return text;
  };
  EXPECT_THROW(parse_event_format(""), Error);
  EXPECT_THROW(parse_event_format("no format at all\n"), Error);
  EXPECT_THROW(parse_event_format(with("ID: 9", "ID: 0")), Error);
  EXPECT_THROW(parse_event_format(with("ID: 9", "ID: -9")), Error);
  EXPECT_THROW(parse_event_format(with("ID: 9", "ID: 70000")), Error);
  EXPECT_THROW(parse_event_format(with("offset:16", "offset:65535")), Error);
  EXPECT_THROW(parse_event_format(with("offset:16;\tsize:4", "offset:16;\tsize:2147483647")), Error);
  EXPECT_THROW(parse_event_format(with("common_type;\toffset:0", "common_type;\toffset:1")), Error);
  EXPECT_THROW(parse_event_format(with("common_type", "common_kind")), Error);
  EXPECT_THROW(parse_event_format(good + std::string(1, '\0')), Error);
  EXPECT_THROW(parse_event_format(good + std::string(kMaxFormatText, ' ')), Error);
}

// Whatever comes back is either an Error or slots inside the limits; the sanitizers watch the rest.
TEST(EventFormat, SurvivesCutsAndFlips) {
  [[maybe_unused]] const LibraryMayLeak leaks;
  const std::string good{test::kKernelFormats[0].text};
  const auto check = [](std::string_view text) {
    try {
      for (const auto& field : parse_event_format(text).fields) EXPECT_LE(field.slot.offset + field.slot.size, 65536u);
    } catch (const Error&) {
    }
  };
  for (std::size_t size = 0; size < good.size(); ++size) check(good.substr(0, size));
  for (std::size_t at = 0; at < good.size(); ++at) {
    std::string flipped = good;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << (at % 7)));
    check(flipped);
  }
}

}  // namespace
}  // namespace tcpaccept::perf
