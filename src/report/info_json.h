// `--info --format json`: what --info says, for programs. One object a file, one line, plain ASCII.
#pragma once

#include <string>

#include "report/busiest.h"
#include "report/totals.h"
#include "text/buffer.h"

namespace tcpaccept::report {

// In this order for each input: opening, sessions, closing. Sessions are written as they end, so that a file of a million
// of them takes no memory.
class InfoJson {
 public:
  void open(const std::string& name, text::Buffer& out);
  void session(const SessionTotals& session, text::Buffer& out);
  void close(const Totals& totals, const Busiest& busiest, text::Buffer& out);

 private:
  bool first_ = true;
};

}  // namespace tcpaccept::report
