// Runs tcpaccept-report, in this process, on captures in a folder of their own.
#pragma once

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "core/unique_fd.h"
#include "report/report.h"
#include "support/samples.h"

namespace tcpaccept::samples {

class Reports : public ::testing::Test {
 protected:
  Reports() {
    std::string name = (std::filesystem::temp_directory_path() / "reports_test.XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) std::abort();
    folder_ = name;
  }
  ~Reports() override { std::filesystem::remove_all(folder_); }

  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path(name), std::ios::binary) << bytes;
    return path(name);
  }
  static std::string slurp(const std::string& file) {
    std::ifstream in(file, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  // Its exit status; what it says is in complaints_ (and line by line in said_), what it prints in output_.
  Exit run(std::vector<std::string> arguments, int in = -1) {
    said_.clear();
    arguments.insert(arguments.begin(), "tcpaccept-report");
    std::vector<const char*> argv;
    for (const std::string& argument : arguments) argv.push_back(argument.c_str());
    const UniqueFd out(::open(path("stdout").c_str(), O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    Exit status{};
    try {
      status = report::run(report::parse_options(static_cast<int>(argv.size()), argv.data()).options,
                           {.in = in, .out = out.get(), .complain = [&](const std::string& line) { said_.push_back(line); }});
    } catch (const Error& error) {
      status = error.status();
      said_.emplace_back(error.what());
    }
    complaints_.clear();
    for (const std::string& line : said_) complaints_ += line + "\n";
    output_ = slurp(path("stdout"));
    return status;
  }
  std::string csv(const std::string& file) {
    run({"--format", "csv", file});
    return output_;
  }

  std::filesystem::path folder_;
  std::string output_;
  std::string complaints_;
  std::vector<std::string> said_;
};

}  // namespace tcpaccept::samples
