#include "page/page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "page/assets.h"
#include "support/samples.h"

namespace tcpaccept::page {
namespace {

using namespace samples;
using testing::HasSubstr;
using testing::Not;

std::string data_of(const About& about, const Collector& collector) {
  text::Buffer out;
  write_data(about, collector, out, [] {});
  return std::string(out.view());
}
std::string page_of(const About& about, const Collector& collector) {
  text::Buffer out;
  write_page(about, collector, out, [] {});
  return std::string(out.view());
}

Collector of(const std::vector<Accept>& accepts, std::size_t rows = 100) {
  Collector collector{rows};
  const capture::Batch batch = batch_of(accepts);
  collector.add(batch, all_rows(batch));
  return collector;
}

Collector named(std::string_view comm) {
  Accept accept = sshd();
  accept.listener.comm = Comm::from(comm);
  return of({accept});
}

std::size_t count(std::string_view text, std::string_view part) {
  std::size_t found = 0;
  for (std::size_t at = 0; (at = text.find(part, at)) != std::string_view::npos; at += part.size()) ++found;
  return found;
}

TEST(PageData, OfOneAccept) {
  Accept accept = sshd();
  accept.wait_us = 3;
  accept.ahead = 1;
  About about{.program = "tcpaccept-report 1"};
  about.inputs = {"a.tcpa"};
  about.findings = {"one"};
  about.complete = false;
  about.bands = {{Band::Kind::kUnseen, kWall, kWall + 2'000'000, "why"}};
  about.sessions = {{"a.tcpa, session 1", {{"host", "web1"}}}};
  const std::string data = data_of(about, of({accept}));
  EXPECT_THAT(data, HasSubstr(R"("program":"tcpaccept-report 1","inputs":["a.tcpa"],"moreInputs":0,"filtered":false,)"
                              R"("complete":false,"proved":true,"findings":["one"],)"
                              R"("bands":[{"kind":"unseen","begin":1795421450000000,)"
                              R"("end":1795421450002000,"text":"why"}],"moreBands":0,"notes":[],)"
                              R"("sessions":[{"title":"a.tcpa, session 1","facts":[["host","web1"]]}],"moreSessions":0)"));
  EXPECT_THAT(data, HasSubstr(R"("accepts":1,"accepts4":1,"first":1795421450000000,"last":1795421450000000,)"
                              R"("bins":{"begin":1795421450000,"width":1,"accepts":[1],"aheadKnown":[1],"aheadSum":[1],"aheadMax":[1]},)"
                              R"("coarse":{"begin":1795421450000,"width":8,"count":1},)"));
  EXPECT_THAT(data, HasSubstr(R"("bins":[[3,3,1]]},"listeners":[{"comm":"sshd","saddr":"192.168.60.170","sport":22,)"
                              R"("pid":1463,"pids":false,"kernel":false,"netns":0,"path":"","accepts":1,)"
                              R"("first":1795421450000000,"last":1795421450000000,"ahead":1,"wait":3,"series":[1]}],"otherAccepts":0,)"
                              R"("addresses":{"error":0,"counted":1,"top":[["192.168.60.1",1]]},)"
                              R"("networks":{"error":0,"counted":1,"top":[["192.168.60.0/24",1]]},)"
                              R"("rows":{"time":[1795421450000000],"pid":[1463],"comm":[0],"raddr":[1],"rport":[49385],)"
                              R"("saddr":[2],"sport":[22],"wait":[3],"ahead":[1],"rtt":[null],)"
                              R"("texts":["sshd","192.168.60.1","192.168.60.170"]}})"));
}

TEST(PageData, OfNothing) {
  const std::string data = data_of({}, Collector{10});
  EXPECT_THAT(data, HasSubstr(R"("accepts":0,"accepts4":0})"));
}

TEST(PageData, NothingEndsTheBlock) {
  for (const std::string_view comm : {"</script><scrip", "<!--<script>", "]]>&amp;&lt;", "<img onerror=x>"}) {
    const std::string data = data_of({}, named(comm));
    EXPECT_THAT(data, Not(HasSubstr("<")));
    EXPECT_THAT(data, Not(HasSubstr(">")));
    EXPECT_THAT(data, Not(HasSubstr("&")));
  }
  EXPECT_THAT(data_of({}, named("</script>")), HasSubstr(R"("comm":"\u003c/script\u003e")"));
}

TEST(PageData, QuotesControlBytesAndInvalidTextStayWithinTheirString) {
  EXPECT_THAT(data_of({}, named("\"},{\"x\":\"")), HasSubstr(R"("comm":"\"},{\"x\":\"")"));
  EXPECT_THAT(data_of({}, named("a\\\"b")), HasSubstr(R"("comm":"a\\x5c\"b")"));
  EXPECT_THAT(data_of({}, named("\x1b[2J\n\xff")), HasSubstr(R"("comm":"\\x1b[2J\\x0a\\xff")"));
  // U+2028, and a character that turns the writing direction.
  EXPECT_THAT(data_of({}, named("\xe2\x80\xa8\xe2\x80\xae")), HasSubstr(R"("comm":"\\xe2\\x80\\xa8\\xe2\\x80\\xae")"));
  Collector collector = named("\xe2\x80\xa8\x7f\x80");
  for (const char c : data_of({}, collector)) EXPECT_TRUE(c >= 0x20 && c < 0x7f);
}

// What the report hands over is escaped already; if it were not, the block would hold all the same.
TEST(PageData, TextsOfTheCallerAreHarmlessToo) {
  About about;
  const std::string hostile = "</script><b>\xe2\x80\xa9\xff\n\"&";
  about.program = hostile;
  about.inputs = about.findings = about.notes = {hostile};
  about.bands = {{Band::Kind::kLost, 0, 0, hostile}};
  about.sessions = {{hostile, {{hostile, hostile}}}};
  const std::string data = data_of(about, Collector{0});
  EXPECT_EQ(count(data, R"("\u003c/script\u003e\u003cb\u003e\u2029\ufffd\u000a\"\u0026")"), 8u);
  for (const char c : data) EXPECT_TRUE(c >= 0x20 && c < 0x7f && c != '<' && c != '>' && c != '&');
}

TEST(Page, HoldsTheDataOnceAndNoOtherScript) {
  About about;
  about.inputs = {"<script>alert(1)</script>&.tcpa"};
  const std::string page = page_of(about, named("</script><scrip"));
  EXPECT_EQ(count(page, "<script type=\"application/json\""), 1u);
  EXPECT_EQ(count(page, "<script>"), 4u);
  EXPECT_EQ(count(page, "</script>"), 5u);
  EXPECT_THAT(page, HasSubstr("<title>TCP accepts: &lt;script&gt;alert(1)&lt;/script&gt;&amp;.tcpa</title>"));
  EXPECT_THAT(page, Not(HasSubstr("{{")));
}

TEST(Page, PolicyAllowsItsOwnScriptsAndStylesOnly) {
  const std::string page = page_of({}, Collector{0});
  const std::string begin = "<meta http-equiv=\"Content-Security-Policy\" content=\"";
  const std::size_t at = page.find(begin);
  ASSERT_NE(at, std::string::npos);
  const std::string policy = page.substr(at + begin.size(), page.find('"', at + begin.size()) - at - begin.size());
  EXPECT_THAT(policy, testing::StartsWith("default-src 'none'; base-uri 'none'; form-action 'none'; "));
  EXPECT_THAT(policy, Not(HasSubstr("unsafe")));
  EXPECT_THAT(policy, Not(HasSubstr("http")));
  EXPECT_EQ(count(policy, "'sha256-"), 6u);
  // Nothing that could be run or loaded stands before it.
  EXPECT_EQ(page.substr(0, at), "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n");
}

TEST(Page, ItsPartsDoNotBreakIt) {
  for (const char* const name : {"uplot/uPlot.iife.min.js", "charts.js", "tables.js", "page.js"}) {
    const Asset* const script = asset(name);
    ASSERT_NE(script, nullptr) << name;
    EXPECT_THAT(std::string(script->text), Not(HasSubstr("</script")));
    EXPECT_THAT(std::string(script->text), Not(HasSubstr("<!--")));
    // Text becomes text nodes, never markup or code.
    for (const char* const risky : {"innerHTML", "outerHTML", "insertAdjacent", "document.write", "eval(", "new Function", "srcdoc"}) {
      EXPECT_THAT(std::string(script->text), Not(HasSubstr(risky))) << name;
    }
  }
  for (const char* const name : {"uplot/uPlot.min.css", "page.css"}) {
    EXPECT_THAT(std::string(asset(name)->text), Not(HasSubstr("</style")));
    EXPECT_THAT(std::string(asset(name)->text), Not(HasSubstr("url(")));
  }
  EXPECT_THAT(std::string(asset("uplot/LICENSE")->text), Not(HasSubstr("--")));
  EXPECT_EQ(asset("nothing"), nullptr);
}

// As `openssl dgst -sha256 -binary FILE | base64` says. Of the others the browser is the judge (tests/page).
TEST(Page, HashesAreThoseOfTheFiles) {
  EXPECT_EQ(asset("uplot/uPlot.min.css")->hash, "sha256-32MMao1vjur/JktQ9zzlsRT2Rv/ZoLt08EmwoAE1+gQ=");
}

TEST(Page, IsHandedOutInPieces) {
  Collector collector{5000};
  std::vector<Accept> accepts(5000, sshd());
  for (const Accept& accept : accepts) {
    const capture::Batch batch = batch_of({accept});
    collector.add(batch, all_rows(batch));
  }
  text::Buffer out;
  std::size_t largest = 0;
  std::string whole;
  write_page({}, collector, out, [&] {
    largest = std::max(largest, out.size());
    whole += out.view();
    out.clear();
  });
  whole += out.view();
  EXPECT_LT(largest, 100'000u);
  EXPECT_EQ(whole, page_of({}, collector));
}

}  // namespace
}  // namespace tcpaccept::page
