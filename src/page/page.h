// A capture as one HTML file that needs nothing else: no network, no server, no other file.
//
// Everything that comes from a capture is hostile. It is shown in the form of text/escape.h (printable ASCII, \xHH for
// the rest) and written as strings of a JSON block in which no character can end that block; the page's own script turns
// them into text nodes and nothing else. Should that fail all the same, the page's content security policy runs only the
// scripts that are built into this program, by their digests, and loads nothing from anywhere.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "page/collector.h"
#include "text/buffer.h"

namespace tcpaccept::page {

// A stretch of time in which accepts are missing or may be. Wall time, nanoseconds since 1970.
struct Band {
  enum class Kind { kLost, kUnseen, kDamaged };
  Kind kind = Kind::kLost;
  std::int64_t begin = 0;
  std::int64_t end = 0;
  std::string text;  // what happened
};

// A recording, as far as it is known: names and values in the order they are shown.
struct Session {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;
};

// What a page says beside the accepts. The lists are for the caller to bound. Texts as they are to be shown: what is a
// stranger's is escaped already, as it would be for a terminal.
struct About {
  std::string program;              // and version
  std::vector<std::string> inputs;  // names
  std::uint64_t more_inputs = 0;    // not among them
  bool filtered = false;            // not all accepts were asked for
  bool complete = true;
  bool proved = true;  // that it is complete
  std::vector<std::string> findings;  // a line each: what is missing or damaged
  std::vector<Band> bands;
  std::uint64_t more_bands = 0;
  std::vector<std::string> notes;  // about all of it
  std::vector<Session> sessions;
  std::uint64_t more_sessions = 0;
};

// Appends the page to `out`. `flush` is called now and then, and may empty it.
void write_page(const About& about, const Collector& collected, text::Buffer& out, const std::function<void()>& flush);

// Its data alone: one JSON object in which `<`, `>` and `&` are written \u00XX, pure ASCII.
void write_data(const About& about, const Collector& collected, text::Buffer& out, const std::function<void()>& flush);

}  // namespace tcpaccept::page
