// vm-compare: holds what tcpaccept shows (its CSV, or its table) against the truth log, row for row.
//
// A shown row and an accept row of the truth are the same when pid, addresses, ports and comm agree; rows are compared as multisets. The
// names of processes are hostile on purpose. It shares no code with the product, so both must read the documented columns alike.
#include <sys/socket.h>

#include <algorithm>
#include <charconv>
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
#include <vector>

#include "csv.h"

namespace {

using tcpaccept::vm::CsvTable;

constexpr const char* kUsage =
    "usage: vm-compare [options] TRUTH.csv REPORT.csv|TABLE.txt\n"
    "       vm-compare --self TRUTH.csv     do servers and clients agree with each other?\n"
    "  --pid PID[,PID]   expect only accepts of these processes\n"
    "  --ignore-comm X   leave out shown rows of processes of this name (may be repeated)\n"
    "  --exact           each line of a table must be the seed's to the byte, column names too\n"
    "  --time            the CSV's time_ns must lie between the server's clock before and after its accept()\n"
    "  --subset          not all of the truth has to be shown (a recorder that was ended early)\n"
    "prints: expected N, shown N, missed N, extra N; exit status 0 only when nothing is missed, extra or malformed\n";

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

  // All but comm, tid and kind, which are compared apart.
  std::string key() const { return pid + ' ' + raddr + ' ' + rport + ' ' + saddr + ' ' + sport; }
};

struct Options {
  bool self = false, exact = false, check_time = false, subset = false;
  std::set<std::string> pids, ignored;
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
    if (table.has("tid")) row.tid = table.at(i, "tid");
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

int compare(const Options& options) {
  std::vector<Row> expected = truth_rows(options.files[0], "accept");
  if (!options.pids.empty()) std::erase_if(expected, [&](const Row& r) { return options.pids.count(r.pid) == 0; });
  const std::string text = read_file(options.files[1]);
  const bool is_table = text.rfind("Tracing ", 0) == 0 || text.rfind("PID ", 0) == 0 || text.rfind("TIME(s)", 0) == 0;
  std::vector<Row> shown = is_table ? table_rows(text, options.exact) : csv_rows(text, options.check_time);
  std::erase_if(shown, [&](const Row& r) { return options.ignored.count(r.comm) != 0; });

  // A table shows a name cut or padded, so trailing spaces of the truth cannot be seen there.
  if (is_table) {
    for (Row& row : expected) row.comm.erase(std::min(row.comm.size(), row.comm.find_last_not_of(' ') + 1));
  }

  std::multimap<std::string, const Row*> open;
  for (const Row& row : expected) open.emplace(row.key(), &row);
  std::vector<const Row*> extra;
  std::size_t late = 0;
  for (const Row& row : shown) {
    const auto [begin, end] = open.equal_range(row.key());
    const auto match = std::find_if(begin, end, [&](const auto& candidate) {
      return candidate.second->comm == row.comm && (row.tid.empty() || row.tid == candidate.second->tid) &&
             (row.kind.empty() || row.kind == candidate.second->kind);
    });
    if (match == end) {
      extra.push_back(&row);
      continue;
    }
    const Row& truth = *match->second;
    if (options.check_time && (row.time_ns < truth.before_ns || row.time_ns > truth.after_ns)) {
      std::printf("time: %s: shown %lld, the server says %lld to %lld\n", describe(row).c_str(),
                  static_cast<long long>(row.time_ns), static_cast<long long>(truth.before_ns),
                  static_cast<long long>(truth.after_ns));
      ++late;
    }
    open.erase(match);
  }
  std::printf("expected %zu, shown %zu, missed %zu, extra %zu\n", expected.size(), shown.size(), open.size(), extra.size());
  if (!options.subset) {
    for (const auto& [key, row] : open) std::printf("missed: %s\n", describe(*row).c_str());
  }
  for (const Row* row : extra) std::printf("extra: %s\n", describe(*row).c_str());
  return (open.empty() || options.subset) && extra.empty() && late == 0 ? 0 : 1;
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
    } else if ((word == "--pid" || word == "--ignore-comm") && i + 1 < words.size()) {
      std::string_view rest = words[++i];
      if (word == "--ignore-comm") options.ignored.emplace(rest);
      while (word == "--pid" && !rest.empty()) {
        const std::size_t comma = std::min(rest.find(','), rest.size());
        options.pids.emplace(rest.substr(0, comma));
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
