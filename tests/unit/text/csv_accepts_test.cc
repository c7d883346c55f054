#include "text/csv_accepts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/samples.h"

namespace tcpaccept::text {
namespace {

using namespace samples;
using ::testing::HasSubstr;

std::vector<CsvAccept> read(std::string csv) {
  CsvAccepts accepts("x.csv", [csv = std::move(csv), at = std::size_t{0}](char* to, std::size_t size) mutable {
    const std::size_t count = csv.copy(to, size, at);
    at += count;
    return count;
  });
  accepts.read_header();
  std::vector<CsvAccept> rows;
  for (CsvAccept row; accepts.next(row);) rows.push_back(row);
  return rows;
}

std::string error(const std::string& csv) {
  try {
    read(csv);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

constexpr const char* kFew = "time_ns,raddr,rport,saddr,sport\n";

TEST(CsvAccepts, AFewColumnsAreEnough) {
  const auto rows = read("# by hand\nsport,saddr,wall_time,rport,raddr\n\n80,10.0.0.2,2026-11-23 08:10:50,1234,10.0.0.1\n"
                         "# the other family\n80,fd00::2,2026-11-23T09:10:50.5+01:00,1234,fd00::1\n");
  ASSERT_EQ(rows.size(), 2u);
  Accept wanted;
  wanted.time = static_cast<std::uint64_t>(kWall);
  wanted.listener.saddr = address("10.0.0.2");
  wanted.listener.sport = 80;
  wanted.listener.family = 2;
  wanted.listener.protocol = kProtocolTcp;
  wanted.raddr = address("10.0.0.1");
  wanted.rport = 1234;
  EXPECT_EQ(rows[0].accept, wanted);
  EXPECT_EQ(rows[0].wall, kWall);
  EXPECT_EQ(rows[1].accept.listener.family, 10);
  EXPECT_EQ(rows[1].wall, kWall + 500'000'000);
}

TEST(CsvAccepts, OneTimeStandsForTheOther) {
  const auto rows = read(std::string(kFew) + "77,10.0.0.1,1,10.0.0.2,2\n");
  EXPECT_EQ(rows.at(0).accept.time, 77u);
  EXPECT_EQ(rows.at(0).wall, 77);
  EXPECT_THAT(error("wall_time,raddr,rport,saddr,sport\n1969-12-31 23:59:59,10.0.0.1,1,10.0.0.2,2\n"), HasSubstr("line 2: is of before 1970"));
  EXPECT_THAT(error(std::string(kFew) + ",10.0.0.1,1,10.0.0.2,2\n"), HasSubstr("line 2: has no time"));
}

TEST(CsvAccepts, AnEmptyFieldIsNotRecorded) {
  const auto rows = read("time_ns,raddr,rport,saddr,sport,pid,comm,protocol,backlog,socket_family,cpu,in_kernel\n"
                         "1,10.0.0.1,1,10.0.0.2,2,,,,,,,\n");
  EXPECT_EQ(rows.at(0).accept.listener.protocol, 0);
  EXPECT_EQ(rows.at(0).accept.listener.backlog, kNotRecorded32);
  EXPECT_EQ(rows.at(0).accept.listener.family, 2);
  EXPECT_EQ(rows.at(0).accept.cpu, kNotRecorded16);
}

TEST(CsvAccepts, NamesAndPathsAreUnescaped) {
  const auto rows = read("time_ns,raddr,rport,saddr,sport,comm,cgroup,cgroup_path\n"
                         "1,10.0.0.1,1,10.0.0.2,2,\"a\\x1b,\"\"\",5,/b\\x5cc\n");
  EXPECT_EQ(rows.at(0).accept.listener.comm.view(), "a\x1b,\"");
  EXPECT_EQ(rows.at(0).cgroup_path, "/b\\c");
}

TEST(CsvAccepts, CommentsEndWhereANameCouldBeginALine) {
  const auto rows = read("comm,time_ns,raddr,rport,saddr,sport\n#x,1,10.0.0.1,1,10.0.0.2,2\n");
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_EQ(rows[0].accept.listener.comm.view(), "#x");
}

TEST(CsvAccepts, HeadersHaveToMakeSense) {
  EXPECT_EQ(error(""), "x.csv: line 1: there is nothing; the first line of a CSV names its columns");
  EXPECT_THAT(error("raddr,colour\n"), HasSubstr("x.csv: line 1, column 2: 'colour' is no column of"));
  EXPECT_THAT(error("# c\nraddr,time\n"), HasSubstr("x.csv: line 2, column 2: 'time' is no column of"));
  EXPECT_THAT(error("raddr,raddr\n"), HasSubstr("line 1, column 2: 'raddr' is there twice"));
  EXPECT_EQ(error("time_ns,raddr,rport,saddr\n"), "x.csv: line 1: there is no column sport");
  EXPECT_EQ(error("raddr,rport,saddr,sport\n"), "x.csv: line 1: there is neither a column time_ns nor wall_time");
}

TEST(CsvAccepts, EveryWrongValueIsNamedWithItsPlace) {
  const auto with = [](const std::string& column, const std::string& value) {
    return error("time_ns,raddr,rport,saddr,sport," + column + "\n1,10.0.0.1,1,10.0.0.2,2,\n1,10.0.0.1,1,10.0.0.2,2," + value + "\n");
  };
  EXPECT_EQ(with("pid", "-1"), "x.csv: line 3, column 6: pid: '-1' is not a process id (0 to 4294967295)");
  EXPECT_EQ(with("cpu", "65535"), "x.csv: line 3, column 6: cpu: '65535' is not a CPU (0 to 65534)");
  EXPECT_THAT(with("wait_us", "18446744073709551615"), HasSubstr("wait_us: "));
  EXPECT_THAT(with("backlog", "4294967295"), HasSubstr("backlog: "));
  EXPECT_THAT(with("ahead", "1 "), HasSubstr("ahead: '1 ' is not"));
  EXPECT_THAT(with("rtt_us", "0x1"), HasSubstr("rtt_us: "));
  EXPECT_THAT(with("left", "1.0"), HasSubstr("left: "));
  EXPECT_THAT(with("netns", "4294967296"), HasSubstr("netns: "));
  EXPECT_THAT(with("in_kernel", "2"), HasSubstr("in_kernel: "));
  EXPECT_THAT(error(std::string(kFew) + "1,10.0.0.1,1,::1,22\n"),
              HasSubstr("line 2, column 2: raddr: '10.0.0.1' is not of the family of saddr"));
  EXPECT_THAT(error(std::string(kFew) + "1,::1,1,10.0.0.1,22\n"), HasSubstr("line 2, column 2: raddr: "));
  EXPECT_EQ(error(std::string(kFew) + "1,::ffff:10.0.0.2,1,10.0.0.1,22\n"), "no error") << "which is IPv4";
  EXPECT_THAT(with("family", "6"), HasSubstr("family: '6' is not the family of saddr"));
  EXPECT_THAT(with("socket_family", "256"), HasSubstr("socket_family: "));
  EXPECT_THAT(with("protocol", "udp"), HasSubstr("protocol: 'udp' is not tcp, mptcp or a number"));
  EXPECT_THAT(with("comm", "sixteen-letters!"), HasSubstr("is longer than 15 bytes"));
  EXPECT_THAT(with("comm", "a\\x00b"), HasSubstr("holds a zero byte"));
  EXPECT_THAT(with("comm", "a\\b"), HasSubstr("holds a backslash that does not begin \\xHH"));
  EXPECT_THAT(with("comm", "\x1b[2J-and-a-lot-of-other-things-that-nobody-wants-to-see"), HasSubstr("'\\x1b[2J-and-a-lot-of-other-things-that-nobo...'"));
  EXPECT_THAT(with("cgroup_path", std::string(1025, 'a')), HasSubstr("is longer than 1024 bytes"));
  EXPECT_THAT(with("wall_time", "yesterday"), HasSubstr("wall_time: 'yesterday' is not a time like"));
  EXPECT_EQ(with("tid", "1,2"), "x.csv: line 3: has 7 fields, but there are 6 columns");
  EXPECT_THAT(error(std::string(kFew) + "1,10.0.0,1,10.0.0.2,2\n"), HasSubstr("line 2, column 2: raddr: '10.0.0' is not an address"));
  EXPECT_THAT(error(std::string(kFew) + "1,10.0.0.1,65536,10.0.0.2,2\n"), HasSubstr("rport: '65536' is not a port (0 to 65535)"));
  EXPECT_THAT(error(std::string(kFew) + "1,10.0.0.1,1,10.0.0.2,\n"), HasSubstr("line 2, column 5: sport: '' must not be empty"));
}

// Every field of random accepts, as the writer writes it.
TEST(CsvAccepts, ReadsBackWhatTheWriterWrites) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20; ++i) {
    capture::Batch batch = random_batch(random, 200);
    for (std::size_t l = 0; l < batch.listeners.size(); ++l) {
      Listener& listener = batch.listeners[l];
      if (random() % 2 == 0) listener.backlog = static_cast<std::uint32_t>(random() % 5000);
      if (random() % 2 == 0) listener.nspid = static_cast<std::uint32_t>(random());
      if (random() % 2 == 0) listener.netns = static_cast<std::uint32_t>(random());
      if (random() % 2 == 0) listener.cgroup = 1 + random() % 3;
      listener.protocol = static_cast<std::uint16_t>(random() % 3 == 0 ? 0 : random() % 2 == 0 ? kProtocolMptcp : 132);
      listener.in_kernel = random() % 2 == 0;
      batch.left[l] = random() % 2 == 0 ? kNotRecorded32 : static_cast<std::uint32_t>(random() % 9);
    }
    batch.cgroups = {{1, "/a,b"}, {3, "=\x80"}};
    const auto rows = read(header(Format::kCsv, TimeColumn::kNone) + render(Format::kCsv, TimeColumn::kNone, batch));
    ASSERT_EQ(rows.size(), batch.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      ASSERT_EQ(rows[row].accept, batch.at(row)) << row;
      ASSERT_EQ(rows[row].wall, batch.clock.wall(batch.time[row]));
      ASSERT_EQ(rows[row].cgroup_path, batch.cgroup_path(batch.at(row).listener.cgroup));
    }
  }
}

}  // namespace
}  // namespace tcpaccept::text
