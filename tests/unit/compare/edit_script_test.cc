#include "compare/edit_script.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace tcpaccept::compare {
namespace {

using Numbers = std::vector<std::uint32_t>;

// The script leads from one to the other; how many items differ.
std::size_t differences(const Numbers& first, const Numbers& second) {
  Numbers a, b;
  std::size_t count = 0;
  for (const Edit& edit : edit_script(first, second)) {
    if (edit.kind != Edit::Kind::kSecondOnly) {
      EXPECT_EQ(edit.first, a.size());
      a.push_back(first.at(edit.first));
    }
    if (edit.kind != Edit::Kind::kFirstOnly) {
      EXPECT_EQ(edit.second, b.size());
      b.push_back(second.at(edit.second));
    }
    if (edit.kind == Edit::Kind::kBoth) {
      EXPECT_EQ(a.back(), b.back());
    } else {
      ++count;
    }
  }
  EXPECT_EQ(a, first);
  EXPECT_EQ(b, second);
  return count;
}

// The length of the longest common subsequence, by the table everybody knows.
std::size_t common(const Numbers& a, const Numbers& b) {
  std::vector<std::vector<std::size_t>> length(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i < a.size(); ++i) {
    for (std::size_t j = 0; j < b.size(); ++j) {
      length[i + 1][j + 1] = a[i] == b[j] ? length[i][j] + 1 : std::max(length[i][j + 1], length[i + 1][j]);
    }
  }
  return length[a.size()][b.size()];
}

TEST(EditScript, OfSimpleCases) {
  EXPECT_EQ(differences({}, {}), 0u);
  EXPECT_EQ(differences({1, 2, 3}, {1, 2, 3}), 0u);
  EXPECT_EQ(differences({1, 2, 3}, {}), 3u);
  EXPECT_EQ(differences({}, {7}), 1u);
  EXPECT_EQ(differences({1, 2, 3, 4}, {1, 3, 4, 5}), 2u);
}

TEST(EditScript, IsTheShortest) {
  std::mt19937 random(1);
  for (int round = 0; round < 2000; ++round) {
    const auto sequence = [&] {
      Numbers numbers(random() % 30);
      for (std::uint32_t& number : numbers) number = random() % 4;
      return numbers;
    };
    const Numbers a = sequence(), b = sequence();
    EXPECT_EQ(differences(a, b), a.size() + b.size() - 2 * common(a, b));
  }
}

TEST(EditScript, OneThatIsWhollyInTheOtherIsFoundHoweverMuchIsMissing) {
  std::mt19937 random(2);
  Numbers all, some;
  for (std::uint32_t i = 0; i < 20'000; ++i) {
    all.push_back(static_cast<std::uint32_t>(random() % 5));
    if (random() % 3 == 0) some.push_back(all.back());
  }
  EXPECT_EQ(differences(all, some), all.size() - some.size());
  EXPECT_EQ(differences(some, all), all.size() - some.size());
}

TEST(EditScript, GivesUpOnTooManyDifferences) {
  Numbers a(5000, 1), b(5000, 2);
  a.front() = b.front() = 9;
  a.back() = b.back() = 9;
  EXPECT_EQ(differences(a, b), 2 * 4998u);
}

}  // namespace
}  // namespace tcpaccept::compare
