// The parts of a page that are the same for every capture, built into the program from the files of this folder
// (embed.cmake makes assets.cc of them).
#pragma once

#include <string_view>

namespace tcpaccept::page {

struct Asset {
  std::string_view name;  // of its file
  std::string_view text;
  std::string_view hash;  // "sha256-BASE64" of the text, as a content security policy wants it
};

// nullptr: there is none of that name.
const Asset* asset(std::string_view name);

}  // namespace tcpaccept::page
