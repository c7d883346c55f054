#include "page/page.h"

#include <algorithm>
#include <array>
#include <map>
#include <string_view>

#include "page/assets.h"
#include "text/digits.h"
#include "text/escape.h"

namespace tcpaccept::page {
namespace {

// Listeners whose accepts over time are in the page; of the others there is the sum.
constexpr std::size_t kCharted = 40;
// Remote addresses and networks that are listed.
constexpr std::size_t kListed = 100;

constexpr std::int64_t kNanosPerMs = 1'000'000;

// One JSON value after the other; a comma wherever one is due.
class Json {
 public:
  explicit Json(text::Buffer& out) : out_(out) {}

  Json& object() { return open('{'); }
  Json& array() { return open('['); }
  Json& end_object() { return close('}'); }
  Json& end_array() { return close(']'); }
  // `name` is our own: letters only.
  Json& key(std::string_view name) {
    separate();
    out_.append("\"");
    out_.append(name);
    out_.append("\":");
    first_ = true;
    return *this;
  }
  // A stranger's bytes.
  Json& bytes(std::string_view bytes) { return string(text::escaped(bytes)); }
  // A text that is fit to be shown; whatever it is, it stays within its quotes and its block.
  Json& string(std::string_view text) {
    separate();
    std::string quoted(text.size() * text::kJsonBytes + 2, '\0');
    quoted.resize(static_cast<std::size_t>(text::put_json_string(quoted.data(), text).end - quoted.data()));
    // What could end the block, begin a comment in it or look like an entity. All else is printable ASCII by now.
    for (const char c : quoted) {
      if (c == '<') {
        out_.append("\\u003c");
      } else if (c == '>') {
        out_.append("\\u003e");
      } else if (c == '&') {
        out_.append("\\u0026");
      } else {
        out_.append({&c, 1});
      }
    }
    return *this;
  }
  Json& number(std::uint64_t value) {
    separate();
    char* const to = out_.room(20 + text::kScribble);
    out_.end_at(text::put_number(to, value));
    return *this;
  }
  Json& number(std::int64_t value) {
    if (value >= 0) return number(static_cast<std::uint64_t>(value));
    return raw(std::to_string(value));
  }
  Json& boolean(bool value) { return raw(value ? "true" : "false"); }
  Json& null() { return raw("null"); }
  // The number, or null.
  template <typename Number>
  Json& known(Number value, Number not_recorded) {
    return value == not_recorded ? null() : number(std::uint64_t{value});
  }

 private:
  Json& raw(std::string_view text) {
    separate();
    out_.append(text);
    return *this;
  }
  Json& open(char c) {
    separate();
    out_.append({&c, 1});
    first_ = true;
    return *this;
  }
  Json& close(char c) {
    out_.append({&c, 1});
    first_ = false;
    return *this;
  }
  void separate() {
    if (!first_) out_.append(",");
    first_ = false;
  }

  text::Buffer& out_;
  bool first_ = true;
};

std::string_view name_of(Band::Kind kind) {
  switch (kind) {
    case Band::Kind::kLost:
      return "lost";
    case Band::Kind::kUnseen:
      return "unseen";
    case Band::Kind::kDamaged:
      break;
  }
  return "damaged";
}

std::int64_t us(std::int64_t nanoseconds) { return floor_divided(nanoseconds, 1'000); }

void put_strings(Json& json, const std::vector<std::string>& strings) {
  json.array();
  for (const std::string& text : strings) json.string(text);
  json.end_array();
}

void put_about(Json& json, const About& about) {
  json.key("program").string(about.program);
  put_strings(json.key("inputs"), about.inputs);
  json.key("moreInputs").number(about.more_inputs);
  json.key("filtered").boolean(about.filtered);
  json.key("complete").boolean(about.complete);
  json.key("proved").boolean(about.proved);
  put_strings(json.key("findings"), about.findings);
  json.key("bands").array();
  for (const Band& band : about.bands) {
    json.object().key("kind").string(name_of(band.kind));
    json.key("begin").number(us(band.begin)).key("end").number(us(band.end)).key("text").string(band.text).end_object();
  }
  json.end_array().key("moreBands").number(about.more_bands);
  put_strings(json.key("notes"), about.notes);
  json.key("sessions").array();
  for (const Session& session : about.sessions) {
    json.object().key("title").string(session.title).key("facts").array();
    for (const auto& [name, value] : session.facts) json.array().string(name).string(value).end_array();
    json.end_array().end_object();
  }
  json.end_array().key("moreSessions").number(about.more_sessions);
}

void put_bins(Json& json, const Collector& collected) {
  const Axis& axis = collected.axis();
  const auto column = [&](const char* name, const auto& value) {
    json.key(name).array();
    for (std::int64_t bin = axis.first(); bin <= axis.last(); ++bin) {
      json.number(std::uint64_t{value(collected.bins()[bin])});
    }
    json.end_array();
  };
  const std::int64_t width = axis.width() / kNanosPerMs;
  json.key("bins").object().key("begin").number(axis.first() * width).key("width").number(width);
  column("accepts", [](const Bin& bin) { return bin.accepts; });
  column("aheadKnown", [](const Bin& bin) { return bin.ahead_known; });
  column("aheadSum", [](const Bin& bin) { return bin.ahead_sum; });
  column("aheadMax", [](const Bin& bin) { return bin.ahead_max; });
  json.end_object();

  const std::int64_t first = Axis::coarse(axis.first());
  const std::int64_t last = Axis::coarse(axis.last());
  json.key("coarse").object().key("begin").number(first * width * Axis::kFinePerCoarse);
  json.key("width").number(width * Axis::kFinePerCoarse).key("count").number(last - first + 1).end_object();

  json.key("waits");
  if (collected.waits() == nullptr) {
    json.null();
    return;
  }
  json.object().key("begins").array();
  for (std::size_t bucket = 0; bucket < Waits::kBuckets; ++bucket) json.number(Waits::begin(bucket));
  // For each bin its longest wait, then pairs of bucket and count; [] where nothing was recorded.
  json.end_array().key("bins").array();
  for (std::int64_t bin = first; bin <= last; ++bin) {
    const Waits& waits = (*collected.waits())[bin];
    json.array();
    bool any = false;
    for (std::size_t bucket = 0; bucket < Waits::kBuckets; ++bucket) {
      if (waits.counts[bucket] == 0) continue;
      if (!any) json.number(waits.max);
      any = true;
      json.number(std::uint64_t{bucket}).number(waits.counts[bucket]);
    }
    json.end_array();
  }
  json.end_array().end_object();
}

void put_listeners(Json& json, const Collector& collected, const std::function<void()>& flush) {
  std::vector<const ListenerStats*> order;
  for (const ListenerStats& listener : collected.listeners()) order.push_back(&listener);
  std::stable_sort(order.begin(), order.end(),
                   [](const ListenerStats* a, const ListenerStats* b) { return a->accepts > b->accepts; });
  const std::int64_t first = Axis::coarse(collected.axis().first());
  const std::int64_t last = Axis::coarse(collected.axis().last());
  json.key("listeners").array();
  for (std::size_t i = 0; i < order.size(); ++i) {
    const ListenerStats& listener = *order[i];
    json.object().key("comm").bytes(listener.key.comm.view());
    json.key("saddr").string(to_string(listener.key.saddr)).key("sport").number(std::uint64_t{listener.key.sport});
    json.key("pid").number(std::uint64_t{listener.pid}).key("pids").boolean(listener.several_pids);
    json.key("kernel").boolean(listener.key.in_kernel).key("netns").number(std::uint64_t{listener.key.netns});
    json.key("path").bytes(listener.cgroup_path).key("accepts").number(listener.accepts);
    json.key("first").number(us(listener.first)).key("last").number(us(listener.last));
    json.key("ahead");
    listener.ahead_max ? json.number(std::uint64_t{*listener.ahead_max}) : json.null();
    json.key("wait");
    listener.wait_max ? json.number(*listener.wait_max) : json.null();
    if (i < kCharted) {
      json.key("series").array();
      for (std::int64_t bin = first; bin <= last; ++bin) json.number(listener.series[bin]);
      json.end_array();
    }
    json.end_object();
    flush();
  }
  json.end_array().key("otherAccepts").number(collected.other_accepts());
}

void put_frequent(Json& json, std::string_view name, const FrequentAddresses& addresses, bool networks) {
  json.key(name).object().key("error").number(addresses.error()).key("counted").number(std::uint64_t{addresses.size()});
  json.key("top").array();
  for (const FrequentAddresses::Entry& entry : addresses.top(kListed)) {
    std::string text = to_string(entry.address);
    if (networks) text += entry.address.is_v4() ? "/24" : "/48";
    json.array().string(text).number(entry.count).end_array();
  }
  json.end_array().end_object();
}

// Texts that repeat, by number.
class Texts {
 public:
  std::uint64_t number_of(std::string text) {
    const auto [at, fresh] = numbers_.try_emplace(std::move(text), texts_.size());
    if (fresh) texts_.push_back(&at->first);
    return at->second;
  }
  const std::vector<const std::string*>& texts() const { return texts_; }

 private:
  std::map<std::string, std::uint64_t> numbers_;
  std::vector<const std::string*> texts_;
};

// Column by column: a row is some thirty bytes.
void put_rows(Json& json, const Collector& collected, const std::function<void()>& flush) {
  Texts texts;
  const auto column = [&](const char* name, const auto& put) {
    json.key(name).array();
    std::size_t since_flush = 0;
    for (const Row& row : collected.rows()) {
      put(row);
      if (++since_flush % 1024 == 0) flush();
    }
    json.end_array();
  };
  std::int64_t before = 0;
  json.key("rows").object();
  column("time", [&](const Row& row) {  // microseconds since the row before, the first one since 1970
    json.number(us(row.time) - before);
    before = us(row.time);
  });
  column("pid", [&](const Row& row) { json.number(std::uint64_t{row.pid}); });
  column("comm", [&](const Row& row) { json.number(texts.number_of(text::escaped(row.comm.view()))); });
  column("raddr", [&](const Row& row) { json.number(texts.number_of(to_string(row.raddr))); });
  column("rport", [&](const Row& row) { json.number(std::uint64_t{row.rport}); });
  column("saddr", [&](const Row& row) { json.number(texts.number_of(to_string(row.saddr))); });
  column("sport", [&](const Row& row) { json.number(std::uint64_t{row.sport}); });
  column("wait", [&](const Row& row) { json.known(row.wait_us, kNotRecorded64); });
  column("ahead", [&](const Row& row) { json.known(row.ahead, kNotRecorded32); });
  column("rtt", [&](const Row& row) { json.known(row.rtt_us, kNotRecorded32); });
  json.key("texts").array();
  for (const std::string* text : texts.texts()) json.string(*text);
  json.end_array().end_object();
}

std::string title_of(const About& about) {
  std::string title = "TCP accepts";
  if (!about.inputs.empty()) title += ": " + about.inputs.front();
  const std::uint64_t others = about.inputs.empty() ? 0 : about.inputs.size() - 1 + about.more_inputs;
  if (others != 0) title += " and " + std::to_string(others) + " more";
  return title;
}

void put_html(std::string_view text, text::Buffer& out) {
  for (const char c : text) {
    switch (c) {
      case '<':
        out.append("&lt;");
        break;
      case '>':
        out.append("&gt;");
        break;
      case '&':
        out.append("&amp;");
        break;
      default:
        out.append({&c, 1});
    }
  }
}

// Nothing may be loaded, and of scripts and styles only our own count.
void put_policy(text::Buffer& out) {
  const auto put = [&](std::string_view directive, std::initializer_list<const char*> names) {
    out.append(directive);
    for (const char* const name : names) {
      out.append(" '");
      out.append(asset(name)->hash);
      out.append("'");
    }
  };
  out.append("default-src 'none'; base-uri 'none'; form-action 'none'; require-trusted-types-for 'script'; ");
  put("script-src", {"uplot/uPlot.iife.min.js", "charts.js", "tables.js", "page.js"});
  put("; style-src", {"uplot/uPlot.min.css", "page.css"});
}

}  // namespace

void write_data(const About& about, const Collector& collected, text::Buffer& out, const std::function<void()>& flush) {
  Json json(out);
  json.object();
  put_about(json, about);
  json.key("accepts").number(collected.accepts()).key("accepts4").number(collected.accepts_v4());
  if (collected.accepts() != 0) {
    json.key("first").number(us(collected.first())).key("last").number(us(collected.last()));
    put_bins(json, collected);
    flush();
    put_listeners(json, collected, flush);
    put_frequent(json, "addresses", collected.addresses(), false);
    put_frequent(json, "networks", collected.networks(), true);
    put_rows(json, collected, flush);
  }
  json.end_object();
}

// page.html has {{policy}}, {{title}} and {{data}} in it, and {{FILE}} for each file of this folder that belongs there.
void write_page(const About& about, const Collector& collected, text::Buffer& out, const std::function<void()>& flush) {
  std::string_view rest = asset("page.html")->text;
  for (;;) {
    const std::size_t begin = rest.find("{{");
    out.append(rest.substr(0, begin));
    if (begin == std::string_view::npos) return;
    const std::size_t end = rest.find("}}", begin);
    const std::string_view name = rest.substr(begin + 2, end - begin - 2);
    rest.remove_prefix(end + 2);
    if (name == "policy") {
      put_policy(out);
    } else if (name == "title") {
      put_html(title_of(about), out);
    } else if (name == "data") {
      write_data(about, collected, out, flush);
    } else {
      out.append(asset(name)->text);
    }
    flush();
  }
}

}  // namespace tcpaccept::page
