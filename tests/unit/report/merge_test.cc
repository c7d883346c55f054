#include "report/merge.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <tuple>

#include "support/samples.h"

namespace tcpaccept::report {
namespace {

using namespace samples;

struct Piece {
  capture::Batch batch;
  std::vector<std::uint32_t> rows;
};

class FakeFeed final : public Feed {
 public:
  std::deque<Piece> pieces;
  bool advance() override {
    if (started_ && !pieces.empty()) pieces.pop_front();
    started_ = true;
    return !pieces.empty();
  }
  const capture::Batch& batch() const override { return pieces.front().batch; }
  text::Selection rows() const override { return pieces.front().rows; }

 private:
  bool started_ = false;
};

using Feeds = std::vector<std::unique_ptr<FakeFeed>>;

// (key, feed, batch address hidden) of every row in the order of the merge.
struct Row {
  std::uint64_t key;
  std::size_t feed;
  std::uint16_t rport;
  bool operator==(const Row&) const = default;
};

std::vector<Row> merged(const Feeds& feeds, const Timeline& timeline, std::size_t* runs = nullptr) {
  std::vector<Feed*> pointers;
  for (const auto& feed : feeds) pointers.push_back(feed.get());
  Merge merge(pointers, timeline);
  std::vector<Row> rows;
  std::vector<std::size_t> left(feeds.size(), 0);
  for (Run run; merge.next(run);) {
    if (runs != nullptr) ++*runs;
    EXPECT_FALSE(run.rows.empty());
    if (run.begins_batch) {
      EXPECT_EQ(left[run.feed], 0u);
      left[run.feed] = feeds[run.feed]->rows().size();
    }
    left[run.feed] -= run.rows.size();
    EXPECT_EQ(run.ends_batch, left[run.feed] == 0);
    for (const std::uint32_t row : run.rows) {
      rows.push_back({timeline.key(*run.batch, row), run.feed, run.batch->rport[row]});
    }
  }
  return rows;
}

capture::Batch at_times(const std::vector<std::uint64_t>& times, const capture::ClockAnchor& clock = anchor()) {
  std::vector<Accept> accepts;
  for (const std::uint64_t time : times) {
    Accept accept = sshd();
    accept.time = time;
    accepts.push_back(accept);
  }
  return batch_of(accepts, clock);
}

void add(Feeds& feeds, std::size_t feed, capture::Batch batch) {
  while (feeds.size() <= feed) feeds.push_back(std::make_unique<FakeFeed>());
  std::vector<std::uint32_t> rows = all_rows(batch);
  feeds[feed]->pieces.push_back({std::move(batch), std::move(rows)});
}

TEST(Merge, NoFeedsAndEmptyFeeds) {
  Timeline timeline;
  EXPECT_TRUE(merged({}, timeline).empty());
  Feeds feeds;
  feeds.push_back(std::make_unique<FakeFeed>());
  feeds.push_back(std::make_unique<FakeFeed>());
  EXPECT_TRUE(merged(feeds, timeline).empty());
}

TEST(Merge, OneInputIsOneRunPerBatchInFileOrder) {
  Feeds feeds;
  add(feeds, 0, at_times({5, 6, 7}));
  add(feeds, 0, at_times({1, 2}));  // earlier than the batch before: the order of the file stays
  Timeline timeline;
  std::size_t runs = 0;
  const auto rows = merged(feeds, timeline, &runs);
  EXPECT_EQ(runs, 2u);
  ASSERT_EQ(rows.size(), 5u);
  EXPECT_EQ(rows.front().key, 5u);
  EXPECT_EQ(rows.back().key, 2u);
}

TEST(Merge, EqualTimesKeepTheOrderOfInputs) {
  Feeds feeds;
  add(feeds, 0, at_times({1, 2, 2, 3}));
  add(feeds, 1, at_times({2, 2, 3}));
  Timeline timeline;
  std::vector<std::size_t> order;
  for (const Row& row : merged(feeds, timeline)) order.push_back(row.feed);
  EXPECT_EQ(order, (std::vector<std::size_t>{0, 0, 0, 1, 1, 0, 1}));
}

TEST(Merge, DisjointInputsNeedOneRunPerBatch) {
  Feeds feeds;
  add(feeds, 0, at_times({10, 11, 12}));
  add(feeds, 1, at_times({1, 2, 3}));
  add(feeds, 1, at_times({20, 21}));
  Timeline timeline;
  std::size_t runs = 0;
  EXPECT_EQ(merged(feeds, timeline, &runs).size(), 8u);
  EXPECT_EQ(runs, 3u);
}

TEST(Merge, RandomInputsAgreeWithAStableSort) {
  std::mt19937_64 random(17);
  for (int round = 0; round < 400; ++round) {
    const std::size_t inputs = 1 + random() % 6;
    const std::uint64_t spread = 1 + random() % 50;
    const bool by_wall = random() % 2 == 0;
    Timeline timeline;
    timeline.note_session("a");
    if (by_wall) timeline.note_session("b");
    Feeds feeds;
    std::vector<Row> expected;
    std::uint16_t serial = 0;
    for (std::size_t input = 0; input < inputs; ++input) {
      feeds.push_back(std::make_unique<FakeFeed>());
      std::uint64_t time = kMonotonic + random() % 100;
      const capture::ClockAnchor clock{.monotonic = kMonotonic + random() % 1000,
                                       .realtime = static_cast<std::int64_t>(random() % 1000),
                                       .boottime = 0};
      for (std::size_t n = random() % 4; n > 0; --n) {
        std::vector<std::uint64_t> times;
        for (std::size_t events = 1 + random() % 40; events > 0; --events) times.push_back(time += random() % spread);
        capture::Batch batch = at_times(times, clock);
        for (std::uint16_t& rport : batch.rport) rport = serial++;
        std::vector<std::uint32_t> rows;
        for (std::uint32_t row = 0; row < batch.size(); ++row) {
          if (random() % 3 != 0) rows.push_back(row);
        }
        if (rows.empty()) rows.push_back(0);
        for (const std::uint32_t row : rows) expected.push_back({timeline.key(batch, row), input, batch.rport[row]});
        feeds[input]->pieces.push_back({batch, rows});
      }
    }
    std::stable_sort(expected.begin(), expected.end(), [](const Row& a, const Row& b) {
      return std::tie(a.key, a.feed) < std::tie(b.key, b.feed);
    });
    ASSERT_EQ(merged(feeds, timeline), expected) << round;
  }
}

TEST(Timeline, SameBootComparesMonotonicOtherBootsWallTime) {
  Timeline timeline;
  EXPECT_FALSE(timeline.by_wall());
  timeline.note_session("a");
  timeline.note_session("a");
  EXPECT_FALSE(timeline.by_wall());
  timeline.note_session("b");
  EXPECT_TRUE(timeline.by_wall());
  Timeline unknown;
  unknown.note_session("");
  EXPECT_FALSE(unknown.by_wall());
  unknown.note_session("");
  EXPECT_TRUE(unknown.by_wall());  // two recordings of who knows which boots
}

TEST(Timeline, HostsWithDifferentUptimesMergeByWallTime) {
  Timeline timeline;
  timeline.note_session("a");
  timeline.note_session("b");
  Feeds feeds;
  // The first host has been up longer, its accepts come later on the wall.
  add(feeds, 0, at_times({9'000, 9'010}, {.monotonic = 9'000, .realtime = 500, .boottime = 0}));
  add(feeds, 1, at_times({100, 205}, {.monotonic = 100, .realtime = 400, .boottime = 0}));
  std::vector<std::size_t> order;
  for (const Row& row : merged(feeds, timeline)) order.push_back(row.feed);
  EXPECT_EQ(order, (std::vector<std::size_t>{1, 0, 1, 0}));
}

TEST(Timeline, InstantOnAnotherBatch) {
  const capture::Batch a = at_times({1'000}, {.monotonic = 1'000, .realtime = 50'000, .boottime = 0});
  const capture::Batch b = at_times({7}, {.monotonic = 7, .realtime = 50'300, .boottime = 0});
  const Instant instant = Timeline::instant(a, 0);
  Timeline timeline;
  EXPECT_TRUE(timeline.on_batch(instant, b.clock) == 1'000);
  timeline.note_session("a");
  timeline.note_session("b");
  EXPECT_TRUE(timeline.on_batch(instant, b.clock) == -293);  // 300 before b's 7
}

}  // namespace
}  // namespace tcpaccept::report
