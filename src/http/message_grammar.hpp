// For the fuzz tests of the parsers: valid messages made at random by the grammar of RFC 9112, as
// lists of tokens, and changes of such a list that keep most of the message's form.
#pragma once

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <iterator>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <weft/http/message.hpp>

namespace weft::http::test {

using Random = std::mt19937;
using Tokens = std::vector<std::string>;

/// A number below `count`.
inline std::size_t pick(Random& random, std::size_t count) {
  return std::uniform_int_distribution<std::size_t>(0, count - 1)(random);
}
inline bool one_in(Random& random, std::size_t count) { return pick(random, count) == 0; }
template <std::size_t N>
std::string_view pick_of(Random& random, const std::string_view (&words)[N]) {
  return words[pick(random, N)];
}

inline constexpr std::string_view kMethods[] = {"GET",    "HEAD",    "POST", "PUT",
                                                "DELETE", "OPTIONS", "PATCH"};
inline constexpr std::string_view kTargets[] = {
    "/", "/0/x", "/a/b?q=1&r=%20", "http://b:80/", "http://b", "*", "/a//b/../c;d=e"};
inline constexpr std::string_view kStatuses[] = {"200", "204", "304", "404", "100", "101", "500"};
inline constexpr std::string_view kReasons[] = {"OK", "", "Not Found", "\xc3\xa4\t(x)"};
inline constexpr std::string_view kNames[] = {"Accept", "X-A",     "x_b.c~", "ETag",
                                              "Expect", "Upgrade", "TE",     "Connection"};
inline constexpr std::string_view kValues[] = {
    "", "*/*", "a, b;q=0.5", "\"x y\"", "100-continue", "close", "x\ty", "keep-alive", "\xff"};
inline constexpr std::string_view kSpaces[] = {"", " ", "\t", "  "};
inline constexpr std::string_view kExtensions[] = {"", "", "", ";n", ";n=v", ";n=v;q=\"w\"", " ;n"};

class MessageMaker {
 public:
  explicit MessageMaker(Random& random) : random_(random) {}

  Tokens request() {
    tokens_.clear();
    if (one_in(random_, 8)) add("\r\n");
    add(pick_of(random_, kMethods)), add(" "), add(pick_of(random_, kTargets)), add(" ");
    const bool is_new = !one_in(random_, 6);
    add(is_new ? "HTTP/1.1" : "HTTP/1.0"), add("\r\n");
    if (is_new || one_in(random_, 2)) field("Host", "a:80");
    fields();
    const std::size_t framing = pick(random_, 3);
    if (framing == 0) add("\r\n");
    if (framing == 1) sized_body();
    if (framing == 2) chunked_body();
    return std::move(tokens_);
  }

  Tokens response() {
    tokens_.clear();
    add(one_in(random_, 6) ? "HTTP/1.0" : "HTTP/1.1"), add(" ");
    const std::string_view status = pick_of(random_, kStatuses);
    add(status), add(" "), add(pick_of(random_, kReasons)), add("\r\n");
    fields();
    const bool has_body = status[0] != '1' && status != "204" && status != "304";
    const std::size_t framing = has_body || one_in(random_, 8) ? pick(random_, 4) : 0;
    if (framing == 0) add("\r\n");
    if (framing == 1) sized_body();
    if (framing == 2) chunked_body();
    if (framing == 3) add("\r\n"), add(text(pick(random_, 20)));  // until the connection's end
    return std::move(tokens_);
  }

 private:
  void add(std::string_view token) { tokens_.emplace_back(token); }
  void field(std::string_view name, std::string_view value) {
    add(name), add(":"), add(pick_of(random_, kSpaces)), add(value);
    add(pick_of(random_, kSpaces)), add("\r\n");
  }
  void fields() {
    for (std::size_t left = pick(random_, 5); left > 0; --left) {
      field(pick_of(random_, kNames), pick_of(random_, kValues));
    }
  }
  void sized_body() {
    const std::string body = text(pick(random_, 20));
    field("Content-Length", std::to_string(body.size()));
    add("\r\n"), add(body);
  }
  void chunked_body() {
    field("Transfer-Encoding", "chunked");
    add("\r\n");
    for (std::size_t left = pick(random_, 4); left > 0; --left) {
      const std::string data = text(1 + pick(random_, 20));
      add(hex(data.size())), add(pick_of(random_, kExtensions)), add("\r\n"), add(data);
      add("\r\n");
    }
    add("0"), add(pick_of(random_, kExtensions)), add("\r\n");
    if (one_in(random_, 3)) field("X-T", "1");
    add("\r\n");
  }
  /// Bytes that may look like parts of a message.
  std::string text(std::size_t size) {
    static constexpr std::string_view kBytes("ab\r\n01: \0\xff", 10);
    std::string made;
    while (made.size() < size) made.push_back(kBytes[pick(random_, kBytes.size())]);
    return made;
  }
  std::string hex(std::size_t number) {
    static constexpr std::string_view kDigits[] = {"0123456789abcdef", "0123456789ABCDEF"};
    std::string digits(one_in(random_, 4) ? "0" : "");
    if (number >= 16) digits.push_back(kDigits[0][number / 16]);
    digits.push_back(kDigits[pick(random_, 2)][number % 16]);
    return digits;
  }

  Random& random_;
  Tokens tokens_;
};

/// One token left out, doubled, exchanged with another or replaced, or written otherwise.
inline void change_once(Tokens& tokens, std::span<const std::string_view> words, Random& random) {
  if (tokens.empty()) return;
  const std::size_t at = pick(random, tokens.size());
  const std::size_t other = pick(random, tokens.size());
  const auto place = tokens.begin() + static_cast<std::ptrdiff_t>(at);
  switch (pick(random, 7)) {
    case 0:
      tokens.erase(place);
      break;
    case 1:
      tokens.insert(place, std::string(tokens[at]));
      break;
    case 2:
      std::swap(tokens[at], tokens[other]);
      break;
    case 3:
      tokens[at] = tokens[other];
      break;
    case 4:
      tokens[at] = words[pick(random, words.size())];
      break;
    case 5:
      tokens.insert(place, std::string(words[pick(random, words.size())]));
      break;
    default:
      for (char& c : tokens[at]) {
        c = static_cast<char>(std::isupper(static_cast<unsigned char>(c))
                                  ? std::tolower(static_cast<unsigned char>(c))
                                  : std::toupper(static_cast<unsigned char>(c)));
      }
      break;
  }
}

inline std::string joined(const Tokens& tokens) {
  std::string text;
  for (const std::string& token : tokens) text += token;
  return text;
}

}  // namespace weft::http::test
