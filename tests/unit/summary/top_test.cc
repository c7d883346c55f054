#include "summary/top.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "support/samples.h"

namespace tcpaccept::summary {
namespace {

using namespace samples;
using ::testing::HasSubstr;

std::string written(Summary& summary, text::Format format) {
  std::string out;
  summary.write(format, {}, [&](std::string_view text) { out += text; });
  return out;
}

std::string top(const std::vector<Accept>& accepts, std::string_view field, text::Format format = text::Format::kCsv,
                std::size_t most = 10) {
  Top summary(most, parse_top_field(field).value());
  const capture::Batch batch = batch_of(accepts);
  summary.add(batch, all_rows(batch));
  return written(summary, format);
}

TEST(TopField, IsReadAndWritten) {
  for (const std::string_view text : {"raddr", "rport", "pid", "comm", "saddr", "sport", "netns", "cgroup", "cpu", "listener"}) {
    EXPECT_EQ(to_string(parse_top_field(text).value()), text);
  }
  EXPECT_EQ(to_string(parse_top_field("raddr/24").value()), "raddr/24/64");
  EXPECT_EQ(to_string(parse_top_field("raddr/0/48").value()), "raddr/0/48");
  for (const std::string_view text : {"", "tid", "raddr/", "raddr/33", "raddr/24/129", "raddr/24/", "raddr/24/1/2", "raddr/-1", "saddr/24", "raddr/+3"}) {
    EXPECT_FALSE(parse_top_field(text)) << text;
  }
}

TEST(Top, CountsEveryField) {
  Accept one = sshd();
  one.cpu = 3;
  one.listener.netns = 77;
  one.listener.cgroup = 5;
  Accept two = iperf3();
  two.raddr = address("2001:db8::1");
  two.rport = 9;
  const std::vector<Accept> accepts{two, one, one};
  const auto first = [&](std::string_view field) {
    const std::string csv = top(accepts, field);
    const std::size_t begin = csv.find("\r\n") + 2;
    return csv.substr(begin, csv.find("\r\n", begin) - begin);
  };
  EXPECT_EQ(first("raddr"), "value,1,raddr,192.168.60.1,,2,2,0.666667,,");
  EXPECT_EQ(first("raddr/16"), "value,1,raddr/16/64,192.168.0.0/16,,2,2,0.666667,,");
  EXPECT_EQ(first("rport"), "value,1,rport,49385,,2,2,0.666667,,");
  EXPECT_EQ(first("pid"), "value,1,pid,1463,sshd,2,2,0.666667,,");
  EXPECT_EQ(first("comm"), "value,1,comm,sshd,,2,2,0.666667,,");
  EXPECT_EQ(first("saddr"), "value,1,saddr,192.168.60.170,,3,3,1.000000,,");
  EXPECT_EQ(first("sport"), "value,1,sport,22,,2,2,0.666667,,");
  EXPECT_EQ(first("netns"), "value,1,netns,77,,2,2,0.666667,,");
  EXPECT_EQ(first("cgroup"), "value,1,cgroup,5,,2,2,0.666667,,");
  EXPECT_EQ(first("cpu"), "value,1,cpu,3,,2,2,0.666667,,");
  EXPECT_EQ(first("listener"), "value,1,listener,192.168.60.170:22,sshd,2,2,0.666667,,");
  EXPECT_THAT(top(accepts, "raddr/16"), HasSubstr("2001:db8::/64"));
  EXPECT_THAT(top(accepts, "cpu"), HasSubstr("value,2,cpu,,,1,1")) << "not recorded";
  EXPECT_THAT(top(accepts, "raddr"), HasSubstr("total,,raddr,,,3,3,,2,1\r\n"));
}

TEST(Top, ListenersOfOneAddressAndPortAreToldApart) {
  Accept other = sshd();
  other.listener.netns = 77;
  Accept multipath = sshd();
  multipath.listener.protocol = kProtocolMptcp;
  EXPECT_EQ(top({other, other, other, multipath, multipath, iperf3()}, "listener", text::Format::kTable),
            "RANK  VALUE                       NAME    ACCEPTS  SHARE\n"
            "   1  192.168.60.170:22 netns 77  sshd          3  50.0%\n"
            "   2  192.168.60.170:22 mptcp     sshd          2  33.3%\n"
            "   3  192.168.60.170:5201         iperf3        1  16.7%\n"
            "total: 6 accepts, 3 different values of listener\n");
}

TEST(Top, ShowsTheMostFrequentOnly) {
  EXPECT_EQ(top({sshd(), iperf3(), iperf3()}, "comm", text::Format::kTable, 1),
            "RANK  VALUE   ACCEPTS  SHARE\n"
            "   1  iperf3        2  66.7%\n"
            "total: 3 accepts, 2 different values of comm\n");
}

TEST(Top, CountsChosenRowsOnly) {
  Top summary(10, {});
  const capture::Batch batch = batch_of({sshd(), iperf3(), sshd()});
  summary.add(batch, std::vector<std::uint32_t>{1});
  EXPECT_THAT(written(summary, text::Format::kTable), HasSubstr("total: 1 accept, 1 value of raddr"));
}

TEST(Top, NamesCgroupsByTheirPath) {
  Top summary(10, parse_top_field("cgroup").value());
  Accept accept = sshd();
  accept.listener.cgroup = 5;
  capture::Batch batch = batch_of({accept});
  batch.cgroups = {{5, "/a\x1b"}};
  summary.add(batch, all_rows(batch));
  EXPECT_THAT(written(summary, text::Format::kTable), HasSubstr("/a\\x1b"));
}

TEST(Top, GivesARangeWhereNotAllCouldBeCounted) {
  Top summary(1, {}, 16);
  for (std::uint32_t i = 0; i < 100; ++i) {
    Accept rare = sshd();
    rare.raddr = IpAddress::from_v4(i);
    const capture::Batch batch = batch_of({rare, sshd(), sshd()});
    summary.add(batch, all_rows(batch));
  }
  const std::string text = written(summary, text::Format::kTable);
  EXPECT_THAT(text, HasSubstr("192.168.60.1      200      200"));
  EXPECT_THAT(text, HasSubstr("AT MOST"));
  EXPECT_THAT(text, HasSubstr("~"));
  EXPECT_THAT(written(summary, text::Format::kCsv), HasSubstr(",0\r\n")) << "distinct_exact";
}

}  // namespace
}  // namespace tcpaccept::summary
