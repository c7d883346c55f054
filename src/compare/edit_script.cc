#include "compare/edit_script.h"

#include <algorithm>
#include <optional>

namespace tcpaccept::compare {
namespace {

using Sequence = std::span<const std::uint32_t>;

// For each number of edits d, how far into `first` the diagonals -d, -d + 2, ... d reach.
using Trace = std::vector<std::vector<std::size_t>>;

// Where diagonal k (first - second) gets to with d edits, before it follows what is equal. `before`: with d - 1.
std::size_t step(const std::vector<std::size_t>& before, std::ptrdiff_t d, std::ptrdiff_t k, bool& down) {
  const auto at = [&](std::ptrdiff_t diagonal) { return before[static_cast<std::size_t>((diagonal + d - 1) / 2)]; };
  down = k == -d || (k != d && at(k - 1) < at(k + 1));
  return down ? at(k + 1) : at(k - 1) + 1;
}

std::optional<Trace> find_trace(Sequence first, Sequence second) {
  Trace trace;
  const auto n = static_cast<std::ptrdiff_t>(first.size());
  const auto m = static_cast<std::ptrdiff_t>(second.size());
  for (std::ptrdiff_t d = 0; d <= static_cast<std::ptrdiff_t>(kMaxDifferences); ++d) {
    std::vector<std::size_t> reach;
    reach.reserve(static_cast<std::size_t>(d) + 1);
    for (std::ptrdiff_t k = -d; k <= d; k += 2) {
      bool down = false;
      std::size_t x = d == 0 ? 0 : step(trace.back(), d, k, down);
      // A diagonal may run out of either sequence; it stays there.
      auto y = static_cast<std::ptrdiff_t>(x) - k;
      while (static_cast<std::ptrdiff_t>(x) < n && y >= 0 && y < m && first[x] == second[static_cast<std::size_t>(y)]) {
        ++x;
        ++y;
      }
      reach.push_back(x);
      if (k == n - m && static_cast<std::ptrdiff_t>(x) >= n) {
        trace.push_back(std::move(reach));
        return trace;
      }
    }
    trace.push_back(std::move(reach));
  }
  return std::nullopt;
}

// Which items of `longer` make up `shorter`, from the front; nothing if it is not wholly in there.
std::optional<std::vector<bool>> contained(Sequence shorter, Sequence longer) {
  std::vector<bool> taken(longer.size());
  std::size_t at = 0;
  for (std::size_t i = 0; i < longer.size() && at < shorter.size(); ++i) {
    taken[i] = shorter[at] == longer[i];
    if (taken[i]) ++at;
  }
  return at == shorter.size() ? std::optional{std::move(taken)} : std::nullopt;
}

}  // namespace

std::vector<Edit> edit_script(Sequence first, Sequence second) {
  std::size_t front = 0;
  const std::size_t shorter = std::min(first.size(), second.size());
  while (front < shorter && first[front] == second[front]) ++front;
  std::size_t back = 0;
  while (back < shorter - front && first[first.size() - 1 - back] == second[second.size() - 1 - back]) ++back;
  const Sequence a = first.subspan(front, first.size() - front - back);
  const Sequence b = second.subspan(front, second.size() - front - back);

  std::vector<Edit> script;
  for (std::size_t i = 0; i < front; ++i) script.push_back({Edit::Kind::kBoth, i, i});
  if (const auto trace = find_trace(a, b)) {
    // From the end back to the beginning.
    std::vector<Edit> middle;
    auto x = static_cast<std::ptrdiff_t>(a.size());
    auto y = static_cast<std::ptrdiff_t>(b.size());
    const auto add = [&](Edit::Kind kind) {
      middle.push_back({kind, front + static_cast<std::size_t>(x), front + static_cast<std::size_t>(y)});
    };
    for (auto d = static_cast<std::ptrdiff_t>(trace->size()) - 1; d > 0; --d) {
      bool down = false;
      const std::ptrdiff_t k = x - y;
      const auto from = static_cast<std::ptrdiff_t>(step((*trace)[static_cast<std::size_t>(d) - 1], d, k, down));
      while (x > from) {
        --x, --y;
        add(Edit::Kind::kBoth);
      }
      (down ? y : x) -= 1;
      add(down ? Edit::Kind::kSecondOnly : Edit::Kind::kFirstOnly);
    }
    while (x > 0) {
      --x, --y;
      add(Edit::Kind::kBoth);
    }
    script.insert(script.end(), middle.rbegin(), middle.rend());
  } else if (const auto taken = a.size() < b.size() ? contained(a, b) : contained(b, a)) {
    const bool more = a.size() < b.size();
    std::size_t x = front;
    std::size_t y = front;
    for (const bool both : *taken) {
      script.push_back({both ? Edit::Kind::kBoth : more ? Edit::Kind::kSecondOnly : Edit::Kind::kFirstOnly, x, y});
      if (both || !more) ++x;
      if (both || more) ++y;
    }
  } else {
    for (std::size_t i = 0; i < a.size(); ++i) script.push_back({Edit::Kind::kFirstOnly, front + i, front});
    for (std::size_t i = 0; i < b.size(); ++i) script.push_back({Edit::Kind::kSecondOnly, front + a.size(), front + i});
  }
  for (std::size_t i = back; i > 0; --i) {
    script.push_back({Edit::Kind::kBoth, first.size() - i, second.size() - i});
  }
  return script;
}

}  // namespace tcpaccept::compare
