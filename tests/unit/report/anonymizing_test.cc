#include "report/anonymizing.h"

#include <gmock/gmock.h>

#include <random>

#include "capture/reader.h"
#include "support/reports.h"

namespace tcpaccept::report {
namespace {

using namespace samples;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

class Anonymize : public Reports {
 protected:
  Anonymize() : key_(write("key", std::string(64, '7'))) { std::filesystem::permissions(key_, std::filesystem::perms::owner_read); }
  std::string with_key() const { return "--anonymize=" + key_; }

  // Two batches, a hole, a -p recording that ended with its process.
  static std::string capture_of(const std::string& boot = "4cd1a5a5-4b3a-4f5e-9d7a-0d1f6a1c2b3d") {
    capture::Start begin = start(boot);
    begin.pids = {1463};
    begin.probe.self_test = {"IPv4: as expected"};
    std::vector<Accept> accepts{sshd(), iperf3(), sshd()};
    accepts[1].raddr = address("2001:db8::7");
    accepts[1].listener.saddr = address("2001:db8::1");
    accepts[1].listener.cgroup = 99;
    accepts[2].time += 1'000'000'000;
    capture::Batch first = batch_of({accepts[0], accepts[1]});
    first.first_event = 0;
    first.cgroups = {{99, "/customer.slice/very-secret.service"}};
    first.ledger = capture::Ledger{.begin = kMonotonic - 1, .end = kMonotonic + 1, .hits = 2, .written = 2};
    capture::Batch second = batch_of({accepts[2]});
    second.first_event = 2;
    second.ledger = capture::Ledger{.begin = kMonotonic + 1, .end = kMonotonic + 2'000'000'000, .hits = 4, .lost = 3, .written = 1};
    second.gaps = {{.begin = kMonotonic + 5, .end = kMonotonic + 9, .cpu = 1, .reason = GapReason::kCpuOnline}};
    capture::End last = end(3, 2);
    last.reason = "process 1463 ended";
    return frame(begin) + frame(first) + frame(second) + frame(last);
  }

  std::string key_;
};

TEST_F(Anonymize, NothingOfTheOriginalIsInAnyFormat) {
  const std::string file = write("a", capture_of());
  const std::vector<std::string> secrets{"192.168.60.1", "2001:db8::", "sshd", "iperf3", "customer", "very-secret", "1463",
                                         "30891"};
  for (const std::vector<std::string>& format :
       {std::vector<std::string>{"--format", "table"}, {"-t"}, {"-T"}, {"--format", "csv"}, {"--format", "json"},
        {"--columns", "raddr,comm,pid,tid,cgroup_path,saddr"}}) {
    std::vector<std::string> arguments{with_key(), file};
    arguments.insert(arguments.end(), format.begin(), format.end());
    EXPECT_EQ(run(arguments), Exit::kIncomplete);
    EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), format[1 % format.size()] == "json" ? 3 : 4);
    for (const std::string& secret : secrets) EXPECT_THAT(output_, Not(HasSubstr(secret)));
  }
}

TEST_F(Anonymize, ACaptureSaysTheSameAsTheRowsAndKeepsItsAccount) {
  const std::string file = write("a", capture_of());
  for (const char* const form : {"--require-complete", "--plain"}) {
    ASSERT_EQ(run({with_key(), "--format", "capture", "--force", "-o", path("out"), form, file}), Exit::kIncomplete) << complaints_;
    run({with_key(), "--format", "csv", file});
    const std::string rows = output_;
    EXPECT_EQ(csv(path("out")), rows);
    EXPECT_EQ(run({"--info", path("out")}), Exit::kIncomplete);
    EXPECT_THAT(output_, AllOf(HasSubstr("6 probe hits = 3 written + 0 filtered + 3 lost"), HasSubstr("6.1.0-18-amd64"),
                               HasSubstr("self-test      IPv4: as expected"), HasSubstr("the CPU came online"),
                               HasSubstr("note           anonymized: addresses, names, ids are pseudonyms")));
    EXPECT_THAT(output_, AllOf(Not(HasSubstr("web1")), Not(HasSubstr("4cd1a5a5")), Not(HasSubstr("1463"))));
    EXPECT_THAT(output_, ::testing::ContainsRegex("process [0-9]+ ended"));
  }
}

TEST_F(Anonymize, FiltersSeeTheOriginals) {
  const std::string file = write("a", capture_of());
  for (const std::vector<std::string>& filter :
       {std::vector<std::string>{"--comm", "iperf3"}, {"--raddr", "2001:db8::/32"}, {"-p", "30891"}, {"--cgroup", "/customer.slice"}}) {
    std::vector<std::string> arguments{with_key(), "--format", "csv", file};
    arguments.insert(arguments.end(), filter.begin(), filter.end());
    run(arguments);
    EXPECT_EQ(std::count(output_.begin(), output_.end(), '\n'), 2) << filter[0];
    EXPECT_THAT(output_, HasSubstr(",5201,"));
  }
}

TEST_F(Anonymize, AKeyGivesTheSameEachTimeAndARandomOneNever) {
  const std::string file = write("a", capture_of());
  const auto rows = [&](const std::string& option) {
    run({option, "--format", "csv", file});
    return output_;
  };
  EXPECT_EQ(rows(with_key()), rows(with_key()));
  EXPECT_NE(rows("--anonymize"), rows("--anonymize"));
}

TEST_F(Anonymize, SeveralInputsAreMergedAndFewOrManyAreTheSame) {
  std::vector<std::string> arguments{with_key(), "--format", "csv"};
  for (int i = 0; i < 17; ++i) arguments.push_back(write("in" + std::to_string(i), capture_of()));
  EXPECT_EQ(run(arguments), Exit::kIncomplete);
  const std::string many = output_;
  EXPECT_EQ(std::count(many.begin(), many.end(), '\n'), 1 + 17 * 3);
  EXPECT_THAT(many, Not(HasSubstr("sshd")));
  arguments.resize(4);
  run(arguments);
  const std::string row = output_.substr(output_.rfind('\n', output_.size() - 2) + 1);
  EXPECT_THAT(many, HasSubstr(row));
  const std::string a = write("a", capture_of());
  const std::string b = write("b", capture_of("another-boot"));
  ASSERT_EQ(run({with_key(), "--shift-time", "60", "--format", "capture", "-o", path("both"), a, b}), Exit::kIncomplete) << complaints_;
  run({with_key(), "--shift-time", "60", "-T", a, b});
  const std::string rows = output_;
  run({"-T", path("both")});
  EXPECT_EQ(output_, rows);
}

TEST_F(Anonymize, TimesAreShiftedWithTheirAccount) {
  const std::string file = write("a", capture_of());
  ASSERT_EQ(run({with_key(), "--shift-time=-3600.5", "--format", "capture", "-o", path("out"), file}), Exit::kIncomplete);
  run({"-T", path("out")});
  EXPECT_THAT(output_, HasSubstr("2026-11-23T07:10:49.500000Z"));
  EXPECT_THAT(complaints_, HasSubstr("3 accepts lost between 2026-11-23T07:10:49."));
  run({"-t", path("out")});
  EXPECT_THAT(output_, HasSubstr("\n1.000000 "));
  EXPECT_THAT(csv(path("out")), Not(HasSubstr(std::to_string(kMonotonic))));
}

TEST_F(Anonymize, RowsAreTheSameWithSeveralThreads) {
  std::mt19937_64 random(1);
  std::string bytes = frame(start());
  std::uint64_t accepts = 0;
  for (int i = 0; i < 12; ++i) {
    const capture::Batch batch = random_batch(random, 2000);
    accepts += batch.size();
    bytes += frame(batch);
  }
  const std::string file = write("a", bytes + frame(end(accepts, 12)));
  ASSERT_EQ(run({with_key(), "-j", "1", "--format", "json", file}), Exit::kClean);
  const std::string one = output_;
  ASSERT_EQ(run({with_key(), "-j", "4", "--format", "json", file}), Exit::kClean);
  EXPECT_EQ(output_, one);
}

TEST_F(Anonymize, AFileWithALeakIsNotLeft) {
  // A process that calls itself by an address of the capture, and may keep its name.
  Accept named = iperf3();
  named.listener.comm = Comm::from("192.168.60.1");
  const std::string file = write("a", frame(start()) + frame(batch_of({sshd(), named})) + frame(end(2, 1)));
  EXPECT_EQ(run({with_key(), "--keep-comm", "--format", "capture", "-o", path("out"), file}), Exit::kFailed);
  EXPECT_THAT(complaints_, AllOf(HasSubstr("is not written: the leak check found the address 192.168.60.1 in a command"),
                                 HasSubstr("leave out --keep-comm")));
  EXPECT_EQ(run({with_key(), "--keep-comm", file}), Exit::kFailed);
  EXPECT_THAT(complaints_, AllOf(HasSubstr("is not written to its end: the leak check found the address 192.168.60.1 in its "
                                           "text"),
                                 HasSubstr("leave out --keep-comm")));
  EXPECT_EQ(run({with_key(), "--keep-comm", "--columns", "pid,saddr", file}), Exit::kClean) << complaints_;
  for (const auto& entry : std::filesystem::directory_iterator(folder_)) {
    EXPECT_EQ(entry.path().filename().string().find("out"), entry.path().filename() == "stdout" ? 3 : std::string::npos);
  }
  EXPECT_EQ(run({with_key(), "--format", "capture", "-o", path("out"), file}), Exit::kClean) << complaints_;
}

// What one host is called another's distribution may hold, in whatever order they come.
TEST_F(Anonymize, AHostMayBeCalledLikeAWordOfAnothersSystem) {
  const auto capture_on = [](const std::string& host, const std::string& kernel) {
    capture::Start begin = start("boot of " + host);
    begin.host = host;
    begin.kernel = kernel;
    return frame(begin) + frame(batch_of({sshd()})) + frame(end(1, 1));
  };
  const std::string a = capture_on("vm1", "6.1-left");
  const std::string b = capture_on("bookworm", "6.1-vm1");
  const std::string c = capture_on("left", "6.1-left");
  const std::string one = write("a", a);
  const std::string two = write("b", b);
  for (const auto& inputs : std::vector<std::vector<std::string>>{
           {one, two}, {two, one}, {write("ab", a + b)}, {write("ba", b + a)}, {write("abc", a + b + c)}, {write("c", c)}}) {
    std::vector<std::string> arguments{with_key(), "--format", "capture", "--force", "-o", path("out")};
    arguments.insert(arguments.end(), inputs.begin(), inputs.end());
    EXPECT_NE(run(arguments), Exit::kFailed) << complaints_;
    run({"--info", path("out")});
    for (const char* const name : {"host           vm1", "host           bookworm", "host           left"}) {
      EXPECT_THAT(output_, Not(HasSubstr(name)));
    }
  }
}

TEST_F(Anonymize, ACommandThatIsAPartOfTheFormatIsNoObstacle) {
  for (const char* const name : {"        ", "inet6,tcp", "\"sport\":22", "TIME(s)  ", "wall_time", "gunicorn: maste"}) {
    Accept named = iperf3();
    named.listener.comm = Comm::from(name);
    named.listener.cgroup = 99;
    capture::Batch batch = batch_of({sshd(), named});
    batch.cgroups = {{99, "/lxc/gunicorn"}};
    const std::string file = write("a", frame(start()) + frame(batch) + frame(end(2, 1)));
    for (const std::vector<std::string>& format :
         {std::vector<std::string>{"--format", "table"}, {"-t"}, {"-T"}, {"--format", "csv"}, {"--format", "json"},
          {"--canonical"}, {"--columns", "cgroup_path,comm"}, {"--format", "capture", "--force", "-o", path("out")}}) {
      for (const bool kept : {false, true}) {
        std::vector<std::string> arguments{with_key(), file};
        arguments.insert(arguments.end(), format.begin(), format.end());
        if (kept) arguments.emplace_back("--keep-comm");
        EXPECT_EQ(run(arguments), Exit::kClean) << name << ": " << complaints_;
        EXPECT_THAT(output_, Not(HasSubstr("/gunicorn")));
      }
    }
  }
}

TEST_F(Anonymize, AStrangersFileIsAnonymisedAsFarAsItIsIntact) {
  std::string bytes = capture_of();
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 4);
  const std::string damaged = write("damaged", bytes);
  EXPECT_EQ(run({with_key(), "--recover", "-o", path("out"), damaged}), Exit::kIncomplete);
  EXPECT_EQ(run({"--verify", path("out")}), Exit::kIncomplete);
  EXPECT_THAT(output_, HasSubstr("intact"));
  // Without its start, too.
  const std::string headless = write("headless", capture_of().substr(frame(start()).size()));
  EXPECT_NE(run({with_key(), "--shift-time", "1", "--format", "csv", headless}), Exit::kFailed);
  EXPECT_THAT(output_, Not(HasSubstr("192.168.60.1")));
}

TEST_F(Anonymize, NeedsAFileOfItsOwnForACapture) {
  const std::string file = write("a", capture_of());
  EXPECT_EQ(run({with_key(), "--format", "capture", file}), Exit::kUsage);
  EXPECT_EQ(run({with_key(), "--format", "capture", "-o", "-", file}), Exit::kUsage);
  EXPECT_EQ(run({with_key(), "--format", "capture", "-o", "/dev/null", file}), Exit::kUsage);
  EXPECT_EQ(run({"--anonymize=" + path("absent"), file}), Exit::kFailed);
  EXPECT_THAT(complaints_, HasSubstr("cannot open the key"));
}

TEST_F(Anonymize, SaysHowAKeyIsGiven) {
  EXPECT_EQ(run({"--anonymize", key_, write("a", capture_of())}), Exit::kUsage);
  EXPECT_THAT(complaints_, HasSubstr("a key is given as --anonymize=" + key_));
}

}  // namespace
}  // namespace tcpaccept::report
