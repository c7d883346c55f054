#include "text/columns.h"

#include <gtest/gtest.h>

#include <numeric>

#include "capture/batch_builder.h"

namespace tcpaccept::text {
namespace {

capture::Batch two_accepts() {
  capture::BatchBuilder builder;
  Accept accept;
  accept.time = 5'000'000'000;
  accept.listener.pid = 1463;
  accept.listener.comm = Comm::from("=x,\n");
  accept.listener.saddr = parse_address("192.168.60.170").value();
  accept.listener.sport = 22;
  accept.listener.family = 10;
  accept.listener.protocol = kProtocolMptcp;
  accept.listener.netns = 4026531840;
  accept.listener.cgroup = 77;
  accept.listener.backlog = 128;
  accept.listener.in_kernel = true;
  accept.raddr = parse_address("192.168.60.1").value();
  accept.rport = 65339;
  accept.tid = 1464;
  accept.cpu = 3;
  accept.wait_us = 20'000;
  accept.ahead = 2;
  accept.rtt_us = 150;
  builder.add(accept);
  Accept bare;
  bare.time = 6'500'000'000;
  bare.listener.saddr = parse_address("fd00::1").value();
  bare.raddr = parse_address("fd00::2").value();
  builder.add(bare);
  return builder.finish({5'000'000'000, 1'795'422'650'000'000'000, 0}, std::nullopt);
}

std::string rows(const std::vector<std::string_view>& names, bool csv) {
  std::vector<Column> columns;
  for (const std::string_view name : names) columns.push_back(column_named(name).value());
  ColumnsWriter writer{columns, csv};
  const capture::Batch batch = two_accepts();
  const std::vector<std::uint32_t> all{0, 1};
  Buffer out;
  writer.append_header(out);
  writer.begin_batch(batch, batch.time[0]);
  writer.append_rows(all, out);
  return std::string{out.view()};
}

TEST(Columns, HaveTheNamesOfTheCsv) {
  EXPECT_EQ(column_named("wait_us"), Column::kWaitUs);
  EXPECT_EQ(column_named("time"), Column::kTime);
  EXPECT_FALSE(column_named("TIME"));
  EXPECT_FALSE(column_named(""));
}

TEST(Columns, EveryOneInCsv) {
  EXPECT_EQ(rows({"time", "time_ns", "wall_time", "raddr", "rport", "pid", "comm", "saddr", "sport", "family",
                  "socket_family", "protocol", "netns", "cgroup", "backlog", "in_kernel", "tid", "cpu", "wait_us",
                  "ahead", "rtt_us"},
                 true),
            "time,time_ns,wall_time,raddr,rport,pid,comm,saddr,sport,family,socket_family,protocol,netns,cgroup,"
            "backlog,in_kernel,tid,cpu,wait_us,ahead,rtt_us\r\n"
            "0.000000,5000000000,2026-11-23T08:30:50.000000000Z,192.168.60.1,65339,1463,\"\\x3dx,\\x0a\","
            "192.168.60.170,22,4,inet6,mptcp,4026531840,77,128,1,1464,3,20000,2,150\r\n"
            "1.500000,6500000000,2026-11-23T08:30:51.500000000Z,fd00::2,0,0,,fd00::1,0,6,0,,,,,0,,,,,\r\n");
}

TEST(Columns, InTheTableAreAlignedAndMissingOnesAreADash) {
  EXPECT_EQ(rows({"pid", "wait_us", "rport"}, false),
            "PID      WAIT(us)   RPORT\n"
            "1463     20000      65339\n"
            "0        -          0\n");
  EXPECT_EQ(rows({"comm", "tid"}, false),
            "COMM         TID\n"
            "=x,\\x0a      1464\n"
            "             -\n");
}

}  // namespace
}  // namespace tcpaccept::text
