// What of the texts of a session may be kept: only what is known to be harmless.
//
// Kernel, machine and distribution stay, a maintainer needs them; but not when the host's name or its boot id is in
// them. Of everything else only texts that a tcpaccept is known to write stay, as they are written down here; the
// numbers in them may be any. Of a line that goes on otherwise only the known part stays. What is left out, and what is
// cut short, a note counts.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "capture/model.h"

namespace tcpaccept::anonymize {

// Everything but host, boot id, pids and clock, which are not touched. `note` says what was done to the capture; it
// is added, once.
void keep_known_texts(capture::Start& start, const std::string& note);

// "" stays. `pid` gives a process its new number.
std::string known_reason(std::string_view reason, const std::function<std::uint32_t(std::uint32_t)>& pid);

// Stands for a text that had to go.
inline constexpr std::string_view kLeftOut = "left out";

// How notes about anonymisation begin.
inline constexpr std::string_view kAnonymizedNote = "anonymized: ";

// A text of a session that keep_known_texts() would not leave so, or "" if there is none. Kernel, machine and
// distribution are not looked at.
std::string unknown_text(const capture::Start& start, const std::string& note);

// Words that kernels and distributions have in their own names: no secret, even where a host is called so.
bool is_common_word(std::string_view word);

bool is_word_character(char c);
// The words of a text: what is between separators, which is all but letters, digits and . : - _.
std::vector<std::string_view> words(std::string_view text);
// `name` is in the text, and what is before and behind it is no letter or digit.
bool holds_word(std::string_view text, std::string_view name);

}  // namespace tcpaccept::anonymize
