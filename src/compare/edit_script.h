// The shortest way from one sequence to another (E. Myers, "An O(ND) Difference Algorithm and Its Variations", 1986).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tcpaccept::compare {

struct Edit {
  enum class Kind : std::uint8_t { kBoth, kFirstOnly, kSecondOnly } kind = Kind::kBoth;
  // Positions reached so far: the item's own, where it is in that sequence.
  std::size_t first = 0;
  std::size_t second = 0;
};

// Time and memory grow with the square of the number of differences. Beyond kMaxDifferences what is left between the
// common beginning and the common end counts as different from front to back, unless one of them is wholly in the
// other: what has a hole is not different for that.
inline constexpr std::size_t kMaxDifferences = 2000;

std::vector<Edit> edit_script(std::span<const std::uint32_t> first, std::span<const std::uint32_t> second);

}  // namespace tcpaccept::compare
