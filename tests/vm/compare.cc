// vm-compare: holds what tcpaccept shows (its CSV, or its table) against the truth log, row for row.
//
// A shown row and an accept row of the truth are the same when pid, tid, addresses, ports, comm, family and protocol agree; rows are
// compared as multisets. What else both know about the same accept (namespaces, cgroup, the accept queue) must then agree as well. The
// names of processes are hostile on purpose. It shares no code with the product, so both must read the documented columns alike.
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "csv.h"

namespace {

using tcpaccept::vm::CsvTable;

constexpr const char* kUsage =
    "usage: vm-compare [options] TRUTH.csv REPORT.csv|TABLE.txt\n"
    "       vm-compare --self TRUTH.csv     do servers and clients agree with each other?\n"
    "  --pid PID[,PID]   expect only accepts of these processes\n"
    "  --ignore-comm X   leave out shown rows of processes whose name begins so (may be repeated)\n"
    "  --exact           each line of a table must be the seed's to the byte, column names too\n"
    "  --time            the CSV's time_ns must lie between the server's clock before and after its accept()\n"
    "  --pid-unknown     a row with pid 0 may be that of any process, if all else is right; how many there are is said\n"
    "  --subset          not all of the truth has to be shown (a recorder that was ended early)\n"
    "  --scenario NAME   expect only accepts of this scenario (may be repeated)\n"
    "  --require COLUMN  the CSV must tell this for every row the truth knows it of (may be repeated, or a list with commas):\n"
    "                    nspid, netns, cgroup, cgroup_path, ahead, backlog; a column that is there but empty is let pass otherwise\n"
    "  --figures         wait_us and rtt_us must lie within what the clocks of client and server allow; implies ahead and backlog\n"
    "  --at-least N      the truth must have so many accepts, so that a workload that did nothing does not pass\n"
    "prints: expected N, shown N, missed N, extra N, wrong N, and the counts of each scenario; exit status 0 only when nothing is missed,\n"
    "extra, wrong or malformed\n";

constexpr std::string_view kHeader = "PID      COMM         RADDR                RPORT  SADDR                SPORT";
constexpr std::string_view kTimeColumn = "TIME(s)      ";

struct Row {
  std::string pid, comm, raddr, rport, saddr, sport;
  std::string tid;                  // empty when the source has none
  std::string kind;                 // "4 inet tcp": family, family of the socket, protocol; empty when the source does not tell
  std::int64_t time_ns = 0;         // of a shown row, when known
  std::int64_t before_ns = 0;       // of the truth
  std::int64_t after_ns = 0;
  std::string text;                 // the line as it was shown
  std::string scenario;             // of the truth
  bool in_kernel = false;           // some kernel worker made the accept: pid and tid are not known to the truth
  // By the names of the CSV's columns: what else is known.
  std::map<std::string, std::string> details;

  // All but comm, tid and kind, which are compared apart.
  std::string key() const { return (in_kernel ? "kernel" : pid) + ' ' + ends(); }
  std::string ends() const { return raddr + ' ' + rport + ' ' + saddr + ' ' + sport; }
};

// Compared as they are when the truth knows them.
constexpr std::array<const char*, 6> kDetails = {"nspid", "netns", "cgroup", "cgroup_path", "ahead", "backlog"};

struct Options {
  bool self = false, exact = false, check_time = false, subset = false, figures = false, pid_unknown = false;
  std::set<std::string> pids, ignored, scenarios, required;
  std::size_t at_least = 0;
  std::vector<std::string> files;
};

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw std::runtime_error("cannot read " + path);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::int64_t to_int(const std::string& text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) throw std::runtime_error("not a number: " + text);
  return value;
}

std::string printable(std::string_view text) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte < 0x7f) {
      result += c;
    } else {
      constexpr std::string_view kDigits = "0123456789abcdef";
      result += "\\x";
      result += kDigits[byte >> 4];
      result += kDigits[byte & 15];
    }
  }
  return result;
}

// The product writes bytes other than printable ASCII, and the backslash, as \xHH; this is the way back. Any other use of a backslash and any
// byte that is not printable is an error: it would have reached a terminal.
std::string unescaped(std::string_view text) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] < 0x20 || text[i] > 0x7e) throw std::runtime_error("a byte that is not printable in: " + printable(text));
    if (text[i] != '\\') {
      result += text[i];
      continue;
    }
    unsigned value = 0;
    const std::string_view digits = text.substr(std::min(i + 2, text.size()), 2);
    const char* const end = digits.data() + digits.size();
    if (text.substr(i, 2) != "\\x" || digits.size() != 2 || std::from_chars(digits.data(), end, value, 16).ptr != end) {
      throw std::runtime_error("a backslash that begins no \\xHH in: " + printable(text));
    }
    result += static_cast<char>(value);
    i += 3;
  }
  return result;
}

std::vector<Row> truth_rows(const std::string& path, const std::string& side) {
  const CsvTable table(read_file(path));
  std::vector<Row> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    if (table.at(i, "side") != side) continue;
    Row row;
    row.pid = table.at(i, "pid");
    row.tid = table.at(i, "tid");
    row.comm = table.at(i, "comm");
    row.raddr = table.at(i, "raddr");
    row.rport = table.at(i, "rport");
    row.saddr = table.at(i, "saddr");
    row.sport = table.at(i, "sport");
    row.before_ns = to_int(table.at(i, "before_ns"));
    row.after_ns = to_int(table.at(i, "after_ns"));
    const bool v6_socket = table.at(i, "family") == std::to_string(AF_INET6);
    row.kind = v6_socket && table.at(i, "mapped") == "0" ? "6" : "4";
    row.kind += v6_socket ? " inet6" : " inet";
    row.kind += table.at(i, "protocol") == "262" ? " mptcp" : " tcp";
    row.scenario = table.at(i, "scenario");
    row.in_kernel = table.at(i, "in_kernel") == "1";
    // 0: a thread of the process that the truth cannot name.
    if (row.in_kernel || row.tid == "0") row.tid.clear();
    for (const char* column : kDetails) {
      if (!table.at(i, column).empty()) row.details[column] = table.at(i, column);
    }
    if (!table.at(i, "rtt").empty()) row.details["rtt"] = table.at(i, "rtt");
    rows.push_back(row);
  }
  return rows;
}

std::vector<Row> csv_rows(const std::string& text, bool with_time) {
  const CsvTable table(text);
  std::vector<Row> rows;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    Row row;
    row.pid = table.at(i, "pid");
    row.comm = unescaped(table.at(i, "comm"));
    row.raddr = table.at(i, "raddr");
    row.rport = table.at(i, "rport");
    row.saddr = table.at(i, "saddr");
    row.sport = table.at(i, "sport");
    row.kind = table.at(i, "family") + ' ' + table.at(i, "socket_family") + ' ' + table.at(i, "protocol");
    row.tid = table.at(i, "tid");
    row.in_kernel = table.at(i, "in_kernel") == "1";
    for (const char* column : kDetails) {
      if (table.has(column)) row.details[column] = unescaped(table.at(i, column));
    }
    for (const char* column : {"wait_us", "rtt_us"}) row.details[column] = table.at(i, column);
    if (with_time) row.time_ns = to_int(table.at(i, "time_ns"));
    rows.push_back(row);
  }
  return rows;
}

std::string padded(std::string_view text, std::size_t width) {
  std::string result(text);
  if (result.size() < width) result.append(width - result.size(), ' ');
  return result;
}

// The line the seed would print. Columns are 8, 12, 20, 6 and 20 wide, one space between them; longer values push the rest to the right.
std::string seed_line(const Row& row, const std::string& comm) {
  return padded(row.pid, 8) + ' ' + padded(comm, 12) + ' ' + padded(row.raddr, 20) + ' ' + padded(row.rport, 6) + ' ' +
         padded(row.saddr, 20) + ' ' + row.sport;
}

// Takes the first or last word off `rest`.
std::string take_first(std::string_view& rest) {
  rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
  const std::size_t end = std::min(rest.find(' '), rest.size());
  std::string word(rest.substr(0, end));
  rest.remove_prefix(end);
  return word;
}

std::string take_last(std::string_view& rest) {
  const std::size_t last = rest.find_last_not_of(' ');
  rest = rest.substr(0, last == std::string_view::npos ? 0 : last + 1);
  const std::size_t space = rest.rfind(' ');
  const std::size_t begin = space == std::string_view::npos ? 0 : space + 1;
  std::string word(rest.substr(begin));
  rest = rest.substr(0, begin);
  return word;
}

std::vector<Row> table_rows(std::string_view text, bool exact) {
  std::vector<Row> rows;
  bool in_table = false;
  bool timed = false;
  double previous = 0;
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (end == std::string_view::npos) throw std::runtime_error("the last line of the table has no end");
    const std::string line(text.substr(0, end));
    text.remove_prefix(end + 1);
    if (!in_table) {
      if (line == "Tracing tcpaccept ... Hit Ctrl-C to end") continue;
      timed = line.rfind("TIME(s)", 0) == 0;
      in_table = timed || line.rfind("PID ", 0) == 0;
      if (!in_table) throw std::runtime_error("unexpected line before the table: " + printable(line));
      const std::string expected = (timed ? std::string(kTimeColumn) : std::string()) + std::string(kHeader);
      if (exact && line != expected) throw std::runtime_error("column names differ: [" + printable(line) + "]");
      continue;
    }
    std::string_view rest = line;
    Row row;
    row.text = line;
    std::string time;
    if (timed) {
      time = take_first(rest);
      const std::size_t point = time.find('.');
      const double value = std::stod(time);
      if (point == std::string::npos || time.size() - point != 7) throw std::runtime_error("not six decimals: " + time);
      if (rows.empty() && exact && time != "0.000000") throw std::runtime_error("the first time is not 0.000000: " + time);
      if (value < previous) throw std::runtime_error("time runs backwards at " + time);
      previous = value;
    }
    row.pid = take_first(rest);
    row.sport = take_last(rest);
    row.saddr = take_last(rest);
    row.rport = take_last(rest);
    row.raddr = take_last(rest);
    // The name stands between the pid column and the remote address; it may hold spaces itself.
    const std::size_t pid_width = std::max<std::size_t>(row.pid.size(), 8);
    const std::size_t before = (timed ? std::max<std::size_t>(time.size(), 12) + 1 : 0) + pid_width + 1;
    if (before > line.size()) throw std::runtime_error("short line: " + printable(line));
    const std::size_t at = line.find(" " + row.raddr + " ", before);
    if (at == std::string::npos) throw std::runtime_error("malformed line: " + printable(line));
    row.comm = line.substr(before, at - before);
    // Padding and the spaces a name ends with look the same: up to column 12 both count as padding.
    row.comm.erase(std::min(row.comm.size(), row.comm.find_last_not_of(' ') + 1));
    const std::string shown_comm = row.comm;
    row.comm = unescaped(shown_comm);
    if (exact) {
      const std::string expected = (timed ? padded(time, 12) + ' ' : std::string()) + seed_line(row, shown_comm);
      if (line != expected) {
        throw std::runtime_error("not the seed's layout: [" + printable(line) + "] should be [" + printable(expected) + "]");
      }
    }
    rows.push_back(row);
  }
  if (!in_table) throw std::runtime_error("no line of column names");
  return rows;
}

std::string describe(const Row& row) {
  return "pid " + row.pid + " comm [" + printable(row.comm) + "] " + row.raddr + ' ' + row.rport + " -> " + row.saddr + ' ' +
         row.sport + (row.tid.empty() ? "" : " tid " + row.tid) + (row.kind.empty() ? "" : " " + row.kind);
}

// Do the names and threads of a shown row and of the truth agree? A table tells less than a CSV.
bool same(const Row& shown, const Row& truth) {
  const bool same_comm = truth.in_kernel ? shown.comm.rfind("kworker/", 0) == 0 : shown.comm == truth.comm;
  return same_comm && (shown.tid.empty() || truth.tid.empty() || shown.tid == truth.tid) &&
         (shown.kind.empty() || shown.kind == truth.kind);
}

// What of a matched pair does not agree, one line per finding.
std::vector<std::string> differences(const Row& shown, const Row& truth, const Options& options) {
  std::vector<std::string> result;
  if (options.check_time && (shown.time_ns < truth.before_ns || shown.time_ns > truth.after_ns)) {
    result.push_back("time_ns " + std::to_string(shown.time_ns) + ", the server says " + std::to_string(truth.before_ns) + " to " +
                     std::to_string(truth.after_ns));
  }
  for (const auto& [column, value] : truth.details) {
    const auto told = shown.details.find(column);
    const bool blank = told == shown.details.end() || told->second.empty();
    if (blank ? options.required.contains(column) : told->second != value) {
      result.push_back(column + (blank ? " is empty" : " " + printable(told->second)) + ", should be " + printable(value));
    }
  }
  return result;
}

// The queue's figures of a matched pair, with the client's row of the same connection. Times in ns of the same clock.
std::vector<std::string> wrong_figures(const Row& shown, const Row& accept, const Row& connect) {
  std::vector<std::string> result;
  const auto between = [&](const std::string& column, std::int64_t low, std::int64_t high) {
    const std::string& text = shown.details.at(column);
    const std::string bounds = ", should be " + std::to_string(low) + " to " + std::to_string(high);
    if (text.empty()) {
      result.push_back(column + " is empty" + bounds);
    } else if (to_int(text) < low || to_int(text) > high) {
      result.push_back(column + ' ' + text + bounds);
    }
  };
  // It became established while the client was in connect(), and was accepted while the server was in accept(). Whole microseconds.
  between("wait_us", std::max<std::int64_t>(0, (accept.before_ns - connect.after_ns) / 1000 - 1),
          (accept.after_ns - connect.before_ns) / 1000 + 1);
  const auto rtt = accept.details.find("rtt");
  if (rtt == accept.details.end()) return result;
  if (rtt->second == "some") {
    // The client answers the SYN-ACK from within connect().
    between("rtt_us", 1, (connect.after_ns - connect.before_ns) / 1000 + 1);
  } else if (!shown.details.at("rtt_us").empty()) {
    result.push_back("rtt_us " + shown.details.at("rtt_us") + ", should be empty: the server cannot know it");
  }
  return result;
}

int compare(const Options& options) {
  std::vector<Row> expected = truth_rows(options.files[0], "accept");
  if (!options.pids.empty()) std::erase_if(expected, [&](const Row& r) { return !options.pids.contains(r.pid); });
  if (!options.scenarios.empty()) std::erase_if(expected, [&](const Row& r) { return !options.scenarios.contains(r.scenario); });
  const std::string text = read_file(options.files[1]);
  const bool is_table = text.rfind("Tracing ", 0) == 0 || text.rfind("PID ", 0) == 0 || text.rfind("TIME(s)", 0) == 0;
  std::vector<Row> shown = is_table ? table_rows(text, options.exact) : csv_rows(text, options.check_time);
  std::erase_if(shown, [&](const Row& r) {
    return std::any_of(options.ignored.begin(), options.ignored.end(),
                       [&](const std::string& name) { return r.comm.starts_with(name); });
  });

  if (options.pid_unknown) {
    std::map<std::string, std::string> pids;  // by ends and thread
    for (const Row& row : expected) pids.emplace(row.ends() + ' ' + row.tid, row.pid);
    std::size_t unknown = 0;
    for (Row& row : shown) {
      const auto known = row.pid == "0" ? pids.find(row.ends() + ' ' + row.tid) : pids.end();
      if (known == pids.end()) continue;
      row.pid = known->second;
      ++unknown;
    }
    std::printf("rows without a pid: %zu\n", unknown);
  }

  // A table shows a name cut or padded, so trailing spaces of the truth cannot be seen there.
  if (is_table) {
    for (Row& row : expected) row.comm.erase(std::min(row.comm.size(), row.comm.find_last_not_of(' ') + 1));
  }
  std::map<std::string, Row> clients;
  if (options.figures) {
    for (Row& row : truth_rows(options.files[0], "connect")) {
      std::swap(row.raddr, row.saddr);
      std::swap(row.rport, row.sport);
      std::string ends = row.ends();
      clients.emplace(std::move(ends), std::move(row));
    }
  }

  struct Counts {
    std::size_t expected = 0, shown = 0, wrong = 0;
  };
  std::map<std::string, Counts> scenarios;
  std::multimap<std::string, const Row*> open;
  for (const Row& row : expected) {
    open.emplace(row.key(), &row);
    ++scenarios[row.scenario].expected;
  }
  std::vector<const Row*> extra;
  std::size_t wrong = 0;
  for (const Row& row : shown) {
    const auto [begin, end] = open.equal_range(row.key());
    const auto match = std::find_if(begin, end, [&](const auto& candidate) { return same(row, *candidate.second); });
    if (match == end) {
      extra.push_back(&row);
      continue;
    }
    const Row& truth = *match->second;
    std::vector<std::string> findings = is_table ? std::vector<std::string>() : differences(row, truth, options);
    if (options.figures) {
      const auto client = clients.find(truth.ends());
      if (client == clients.end()) throw std::runtime_error("no client says that it made " + describe(truth));
      for (std::string& finding : wrong_figures(row, truth, client->second)) findings.push_back(std::move(finding));
    }
    for (const std::string& finding : findings) {
      std::printf("wrong: %s: %s: %s\n", truth.scenario.c_str(), finding.c_str(), describe(row).c_str());
    }
    Counts& counts = scenarios[truth.scenario];
    ++counts.shown;
    if (!findings.empty()) ++counts.wrong, ++wrong;
    open.erase(match);
  }
  std::printf("expected %zu, shown %zu, missed %zu, extra %zu, wrong %zu\n", expected.size(), shown.size(), open.size(), extra.size(),
              wrong);
  for (const auto& [name, counts] : scenarios) {
    std::printf("scenario %s: expected %zu, shown %zu, missed %zu, wrong %zu\n", name.c_str(), counts.expected, counts.shown,
                counts.expected - counts.shown, counts.wrong);
  }
  if (!options.subset) {
    for (const auto& [key, row] : open) std::printf("missed: %s: %s\n", row->scenario.c_str(), describe(*row).c_str());
  }
  for (const Row* row : extra) std::printf("extra: %s\n", describe(*row).c_str());
  const bool enough = expected.size() >= options.at_least;
  if (!enough) std::printf("wrong: the workload made %zu accepts, should be %zu at least\n", expected.size(), options.at_least);
  return (open.empty() || options.subset) && extra.empty() && wrong == 0 && enough ? 0 : 1;
}

// Every connection a client made was accepted by a server that saw the same two ends.
int compare_sides(const std::string& path) {
  std::multiset<std::string> clients;
  for (const Row& row : truth_rows(path, "connect")) {
    clients.insert(row.saddr + ' ' + row.sport + " -> " + row.raddr + ' ' + row.rport);
  }
  std::size_t accepted = 0;
  std::size_t wrong = 0;
  for (const Row& row : truth_rows(path, "accept")) {
    ++accepted;
    const auto found = clients.find(row.raddr + ' ' + row.rport + " -> " + row.saddr + ' ' + row.sport);
    if (found == clients.end()) {
      std::printf("accepted, but no client says so: %s\n", describe(row).c_str());
      ++wrong;
    } else {
      clients.erase(found);
    }
  }
  for (const std::string& client : clients) std::printf("connected, but no server says so: %s\n", client.c_str());
  std::printf("accepts %zu, without client %zu, without server %zu\n", accepted, wrong, clients.size());
  return wrong == 0 && clients.empty() && accepted > 0 ? 0 : 1;
}

std::optional<Options> parse(const std::vector<std::string>& words) {
  Options options;
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string& word = words[i];
    if (word == "--self") {
      options.self = true;
    } else if (word == "--exact") {
      options.exact = true;
    } else if (word == "--time") {
      options.check_time = true;
    } else if (word == "--subset") {
      options.subset = true;
    } else if (word == "--pid-unknown") {
      options.pid_unknown = true;
    } else if (word == "--figures") {
      options.figures = true;
      options.required.insert({"ahead", "backlog"});
    } else if (word == "--at-least" && i + 1 < words.size()) {
      options.at_least = static_cast<std::size_t>(to_int(words[++i]));
    } else if (word == "--scenario" && i + 1 < words.size()) {
      options.scenarios.insert(words[++i]);
    } else if ((word == "--pid" || word == "--require" || word == "--ignore-comm") && i + 1 < words.size()) {
      std::string_view rest = words[++i];
      if (word == "--ignore-comm") options.ignored.emplace(rest);
      while (word != "--ignore-comm" && !rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        (word == "--pid" ? options.pids : options.required).emplace(rest.substr(0, comma));
        rest.remove_prefix(std::min(comma + 1, rest.size()));
      }
    } else if (word.rfind("--", 0) == 0) {
      return std::nullopt;
    } else {
      options.files.push_back(word);
    }
  }
  if (options.files.size() != (options.self ? 1u : 2u)) return std::nullopt;
  return options;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    const std::optional<Options> options = parse(std::vector<std::string>(argv + 1, argv + argc));
    if (!options) {
      std::fputs(kUsage, stderr);
      return 2;
    }
    return options->self ? compare_sides(options->files[0]) : compare(*options);
  } catch (const std::exception& error) {
    std::printf("vm-compare: %s\n", error.what());
    return 1;
  }
}
