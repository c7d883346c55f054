# Turns files into C++ arrays: cmake -DOUTPUT=assets.cc "-DFILES=page.html|page.css|..." -P embed.cmake, in their folder.

# BASE64 of a digest that is given as hexadecimal digits.
function(base64_of hex result)
  set(alphabet "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
  set(text "")
  string(LENGTH "${hex}" length)
  foreach(at RANGE 0 ${length} 6)  # three bytes are four characters
    string(SUBSTRING "${hex}" ${at} 6 group)
    string(LENGTH "${group}" digits)
    if(digits EQUAL 0)
      break()
    endif()
    string(SUBSTRING "${group}00000" 0 6 padded)
    math(EXPR characters "${digits} * 4 / 6 + 1")
    if(digits EQUAL 6)
      set(characters 4)
    endif()
    foreach(i RANGE 1 4)
      if(i GREATER characters)
        string(APPEND text "=")
      else()
        math(EXPR index "(0x${padded} >> (24 - 6 * ${i})) & 63")
        string(SUBSTRING "${alphabet}" ${index} 1 character)
        string(APPEND text "${character}")
      endif()
    endforeach()
  endforeach()
  set(${result} "${text}" PARENT_SCOPE)
endfunction()

string(REPLACE "|" ";" files "${FILES}")
set(arrays "")
set(entries "")
set(number 0)
foreach(file IN LISTS files)
  file(READ ${file} hex HEX)
  file(SHA256 ${file} digest)
  base64_of(${digest} hash)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "constexpr unsigned char kFile${number}[] = {${bytes}};\n")
  string(APPEND entries "    Asset{\"${file}\", text_of(kFile${number}), \"sha256-${hash}\"},\n")
  math(EXPR number "${number} + 1")
endforeach()
file(WRITE ${OUTPUT} "// Made by src/page/embed.cmake.
#include \"page/assets.h\"

#include <array>
#include <cstddef>

namespace tcpaccept::page {
namespace {

template <std::size_t N>
std::string_view text_of(const unsigned char (&bytes)[N]) {
  return {reinterpret_cast<const char*>(bytes), N};
}

${arrays}
}  // namespace

const Asset* asset(std::string_view name) {
  static const std::array assets{
${entries}  };
  for (const Asset& one : assets) {
    if (one.name == name) return &one;
  }
  return nullptr;
}

}  // namespace tcpaccept::page
")
