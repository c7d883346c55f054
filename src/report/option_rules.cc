#include "report/option_rules.h"

#include <algorithm>
#include <array>

#include "report/values.h"

namespace tcpaccept::report {
namespace {

// Lists are names with a space between.
constexpr std::string_view kAlways = "--output --force --jobs --require-complete --output-version --format --help --version";
constexpr std::string_view kFilters =
    "--pid --comm --port --rport --raddr --saddr --netns --cgroup --wait-over -4 -6 --since --until --around";
constexpr std::string_view kAnonymity = "--anonymize --keep-private --keep-comm --map-ports --shift-time";

// What tcpaccept-report makes of captures: of the options that name one the first in this table decides, else --format.
struct Product {
  std::string_view name;     // option, or format
  std::string_view formats;  // it can have
  std::string_view options;  // that it takes beside those above
  bool filters;
  bool anonymity;
};
constexpr std::array kProducts{
    Product{"--diff", "table", "--canonical --tie --sequence --tolerate-count --tolerate-time --junit --columns", true, false},
    Product{"--expect", "table", "--junit --from-csv", true, false},
    Product{"--verify", "table", "", false, false},
    Product{"--info", "table json", "--from-csv", false, false},
    Product{"--recover", "table capture", "--plain", false, true},
    Product{"--summary", "table csv json", "--from-csv --follow", true, false},
    Product{"--top", "table csv json", "--by --from-csv --follow", true, false},
    Product{"--rate", "table csv json", "--from-csv --follow", true, false},
    Product{"--canonical", "table csv json", "--tie --columns -t --from-csv", true, true},
    Product{"table", "table", "-t -T --columns --follow --from-csv", true, true},
    Product{"csv", "csv", "--columns --follow --from-csv", true, true},
    Product{"json", "json", "--columns --follow --from-csv", true, true},
    Product{"html", "html", "--rows --from-csv", true, false},
    Product{"capture", "capture", "--plain --max-bytes --from-csv", true, true},
};

bool has(std::string_view list, std::string_view name) {
  while (!list.empty()) {
    const std::string_view first = list.substr(0, list.find(' '));
    if (first == name) return true;
    list.remove_prefix(std::min(list.size(), first.size() + 1));
  }
  return false;
}

const Product* product_of(const std::vector<std::string>& given, std::string_view format) {
  for (const Product& product : kProducts) {
    if (product.name == format || std::find(given.begin(), given.end(), product.name) != given.end()) return &product;
  }
  return nullptr;
}

// "--diff, --expect"
std::string who_takes(std::string_view option) {
  std::string names;
  for (const Product& product : kProducts) {
    if (!has(product.options, option) && !(product.anonymity && has(kAnonymity, option))) continue;
    if (!names.empty()) names += ", ";
    names += (product.name.starts_with('-') ? "" : "--format ") + std::string(product.name);
  }
  return names;
}

}  // namespace

void demand_compatible(const std::vector<std::string>& given, std::string_view format) {
  const Product* product = product_of(given, format);
  if (product == nullptr) {
    throw ValueError("--format: '" + text::escaped(format) + "' is none of table, csv, json, html, capture");
  }
  const bool by_format = !product->name.starts_with('-');
  const std::string name = (by_format ? "--format " : "") + std::string(product->name);
  if (!has(product->formats, format)) throw ValueError(name + " and --format " + std::string(format) + " do not go together");
  for (const std::string& option : given) {
    const bool takes = option == product->name || has(kAlways, option) || has(product->options, option) ||
                       (product->filters && has(kFilters, option)) || (product->anonymity && has(kAnonymity, option));
    if (takes) continue;
    throw ValueError(by_format ? option + " is for " + who_takes(option) : name + " does not take " + option);
  }
}

}  // namespace tcpaccept::report
