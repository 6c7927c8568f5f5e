// For the fuzz tests: the rounds, changes of an input, and ways to cut it. Round N of a test uses
// seed N. WEFT_FUZZ_ROUNDS in the environment sets the number of rounds, WEFT_SEED the first seed.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "http/message_grammar.hpp"

namespace weft::http::test {

inline constexpr std::string_view kFuzzWords[] = {
    "\r\n",
    "\n",
    "\r",
    " ",
    "\t",
    ":",
    ",",
    ";",
    "\"",
    "0",
    "-1",
    "+5",
    "0x5",
    "5_0",
    "ffffffff",
    "18446744073709551616",
    "\r\n\r\n",
    "Host: b\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n",
    "chunked",
    "gzip",
    "Connection: close\r\n",
    "Expect: 100-continue\r\n",
    "HTTP/1.1",
    "HTTP/1.0",
    "PRI * HTTP/2.0",
    "Upgrade: x\r\n",
    "Connection: upgrade\r\n",
    "\xff",
    "/",
    "*",
    "#",
    "%00",
};

/// `words`: what may be put in.
inline void mutate_once(std::string& input, std::span<const std::string_view> words,
                        Random& random) {
  const std::size_t at = pick(random, input.size() + 1);
  const std::size_t length = std::min(input.size() - at, 1 + pick(random, 12));
  switch (pick(random, 5)) {
    case 0:
      input.insert(at, 1, static_cast<char>(pick(random, 256)));
      break;
    case 1:
      input.erase(at, length);
      break;
    case 2:
      if (at < input.size()) input[at] = static_cast<char>(pick(random, 256));
      break;
    case 3:
      input.insert(at, words[pick(random, words.size())]);
      break;
    default:
      input.insert(at, input.substr(pick(random, input.size() + 1), length));
      break;
  }
}

inline std::vector<std::string_view> cut_at_random(std::string_view input, Random& random) {
  std::vector<std::string_view> pieces;
  while (!input.empty()) {
    const std::size_t size = std::min(input.size(), 1 + pick(random, 20));
    pieces.push_back(input.substr(0, size));
    input.remove_prefix(size);
  }
  return pieces;
}

inline unsigned from_environment(const char* name, unsigned otherwise) {
  const char* const text = std::getenv(name);
  return text != nullptr ? static_cast<unsigned>(std::strtoul(text, nullptr, 10)) : otherwise;
}

/// Calls `round(seed)` for each seed, until one fails.
template <class Round>
void for_each_seed(unsigned few, Round round) {
  const unsigned first = from_environment("WEFT_SEED", 0);
  const unsigned rounds = from_environment("WEFT_FUZZ_ROUNDS", few);
  for (unsigned i = 0; i < rounds && !::testing::Test::HasFailure(); ++i) round(first + i);
}

}  // namespace weft::http::test
