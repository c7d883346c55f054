#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>


#include "report/report.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class PageOf : public Reports {
 protected:
  // The data block of the page.
  std::string data(std::vector<std::string> arguments, Exit wanted = Exit::kClean) {
    arguments.insert(arguments.begin(), {"--format", "html"});
    EXPECT_EQ(run(arguments), wanted);
    const std::string before = R"(id="data">)";
    const std::size_t begin = output_.find(before) + before.size();
    return output_.substr(begin, output_.find("</script>", begin) - begin);
  }
};

std::string capture_of(const std::vector<Accept>& accepts, const capture::Start& from = start()) {
  return frame(from) + frame(batch_of(accepts)) + frame(end(accepts.size(), 1));
}

TEST_F(PageOf, OneCapture) {
  const std::string file = write("a", capture_of({sshd(), iperf3()}));
  EXPECT_THAT(data({file}), AllOf(HasSubstr(R"("filtered":false,"complete":true,"proved":false,"findings":[])"),
                                  HasSubstr(R"(["host","web1"],["kernel","6.1.0-18-amd64"])"),
                                  HasSubstr(R"(["duration","5.000 s, of the recording"])"), HasSubstr(R"("accepts":2,)"),
                                  HasSubstr(R"("rows":{"time":[1795421450000000,0])")));
}

TEST_F(PageOf, WhatTheFilterLeaves) {
  const std::string file = write("a", capture_of({sshd(), iperf3()}));
  EXPECT_THAT(data({"--comm", "iperf3", file}),
              AllOf(HasSubstr(R"("filtered":true)"), HasSubstr(R"("accepts":1,)"), Not(HasSubstr("sshd")),
                    HasSubstr("iperf3")));
  EXPECT_THAT(data({"--port", "1", file}), HasSubstr(R"("accepts":0,"accepts4":0})"));
}

TEST_F(PageOf, SeveralCapturesInTimeOrder) {
  Accept later = sshd();
  later.time += 2'000'000'000;
  const std::string a = write("a", capture_of({later}));
  const std::string b = write("b", capture_of({iperf3()}, start("boot-b")));
  EXPECT_THAT(data({a, b}), AllOf(HasSubstr(R"("rows":{"time":[1795421450000000,2000000])"),
                                  HasSubstr("a, session 1"), HasSubstr("b, session 1")));
}

TEST_F(PageOf, LossesGapsAndDamage) {
  capture::Batch batch = batch_of({sshd()});
  batch.ledger = capture::Ledger{
      .begin = kMonotonic, .end = kMonotonic + 1'000'000'000, .hits = 4, .misses = 1, .lost = 3, .written = 1};
  batch.gaps = {
      {.begin = kMonotonic, .end = kMonotonic + 5'000'000, .cpu = 2, .reason = GapReason::kCpuOnline, .at_most = 7}};
  std::string damaged = frame(batch_of({sshd()}));
  damaged[damaged.size() / 2] ^= 1;
  const std::string file =
      write("a", frame(start()) + frame(batch) + damaged + frame(batch_of({iperf3()})) + frame(end(3, 3)));
  const std::string found = data({file}, Exit::kIncomplete);
  EXPECT_THAT(found, HasSubstr(R"("complete":false)"));
  EXPECT_THAT(found, HasSubstr(R"({"kind":"lost","begin":1795421450000000,"end":1795421451000000,)"
                               R"("text":"3 lost: the recorder's rings were full; 1 missed by the probe"})"));
  EXPECT_THAT(found, HasSubstr(R"({"kind":"unseen","begin":1795421450000000,"end":1795421450005000,)"
                               R"("text":"accepts on CPU 2 may have gone unseen, at most 7: the CPU came online"})"));
  EXPECT_THAT(found, HasSubstr(R"({"kind":"damaged","begin":1795421450000000,"end":1795421450000000,"text":")"));
  ASSERT_FALSE(said_.empty());
  // On the page without the file's name, which it says above.
  for (const std::string& line : said_) {
    EXPECT_THAT(found, HasSubstr("\"" + line.substr(line.find(": ") + 2, 40)));
  }
  EXPECT_THAT(found, AllOf(HasSubstr("\"notes\":[\"session 1: its recorder"), Not(HasSubstr(file + ": "))));
  const std::string of_two = data({file, write("b", capture_of({sshd()}))}, Exit::kIncomplete);
  // Without its folders, which the page's reader has nothing to do with.
  for (const std::string& line : said_) {
    EXPECT_THAT(of_two, HasSubstr("\"a: " + line.substr(line.find(": ") + 2, 40)));
  }
  EXPECT_THAT(of_two, Not(HasSubstr(folder_.string())));
  std::filesystem::create_directory(folder_ / "other");
  EXPECT_THAT(data({file, write("other/a", capture_of({sshd()}))}, Exit::kIncomplete),
              HasSubstr(R"x("inputs":["a (input 1)","a (input 2)"])x"));
}

// A stranger's capture may say anything of itself, any number of times.
TEST_F(PageOf, StrangersStayBounded) {
  capture::Start from = start();
  from.host = std::string(100'000, '<');
  from.probe.notes.assign(5000, "note");
  std::string bytes;
  for (int i = 0; i < 40; ++i) bytes += frame(from);
  const std::string found = data({write("a", bytes)}, Exit::kIncomplete);
  EXPECT_LT(found.size(), 400'000u);
  EXPECT_THAT(found, HasSubstr(R"("moreSessions":20)"));
  EXPECT_THAT(found, HasSubstr("lines; --info has them"));
  EXPECT_THAT(found, Not(HasSubstr("<")));
}

TEST_F(PageOf, ManyInputsAreNotAllNamed) {
  std::vector<std::string> files;
  for (int i = 0; i < 25; ++i) files.push_back(write("f" + std::to_string(i), capture_of({sshd()})));
  EXPECT_THAT(data(files), AllOf(HasSubstr(R"("moreInputs":5)"), HasSubstr(R"("accepts":25,)")));
}

}  // namespace
}  // namespace tcpaccept::report
