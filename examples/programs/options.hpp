// The command line of these programs: `--name value`, and what stands without a name. Used by one
// thread, at the start.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <functional>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

namespace programs {

/// What is wrong with a command line; its text says it.
class UsageError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// Returns the whole of `text` as a number. Throws UsageError, with `name` in its text.
inline std::size_t number_of(std::string_view name, std::string_view text) {
  std::size_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size()) return value;
  throw UsageError(std::string(name) + ": '" + std::string(text) + "' is no number");
}

/// Returns "250ms", "5s" or "2min" as a duration. Throws UsageError.
inline std::chrono::milliseconds time_of(std::string_view name, std::string_view text) {
  const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
  const std::string_view unit = text.substr(digits);
  const std::map<std::string_view, std::size_t> units{{"ms", 1}, {"s", 1000}, {"min", 60'000}};
  const auto found = units.find(unit);
  if (digits == 0 || digits > 9 || found == units.end()) {
    throw UsageError(std::string(name) + ": '" + std::string(text) +
                     "' is no time such as 250ms, 5s or 2min");
  }
  return std::chrono::milliseconds(number_of(name, text.substr(0, digits)) * found->second);
}

/// Takes a command line apart.
class Options {
 public:
  /// Options that may be given; the value stays as it is if the option is not.
  Options& number(std::string name, std::size_t& value, std::size_t least = 1) {
    return option(name, [name, &value, least](std::string_view text) {
      value = number_of(name, text);
      if (value < least) throw UsageError(name + ": at least " + std::to_string(least));
    });
  }
  Options& time(std::string name, std::chrono::milliseconds& value) {
    return option(name, [name, &value](std::string_view text) { value = time_of(name, text); });
  }
  Options& text(std::string name, std::string& value) {
    return option(name, [&value](std::string_view text) { value = text; });
  }

  /// An option without a value.
  Options& flag(std::string name, bool& value) {
    flags_.emplace(std::move(name), &value);
    return *this;
  }

  /// Sets the values, and returns what stands without a name. Throws UsageError.
  std::vector<std::string> parse(int argc, char** argv) const {
    std::vector<std::string> others;
    const std::vector<std::string> words(argv + 1, argv + argc);
    for (auto word = words.begin(); word != words.end(); ++word) {
      if (!word->starts_with("--")) {
        others.push_back(*word);
        continue;
      }
      if (const auto flag = flags_.find(*word); flag != flags_.end()) {
        *flag->second = true;
        continue;
      }
      const auto found = options_.find(*word);
      if (found == options_.end()) throw UsageError("unknown option " + *word);
      if (word + 1 == words.end()) throw UsageError(*word + " lacks its value");
      found->second(*++word);
    }
    return others;
  }

 private:
  Options& option(std::string name, std::function<void(std::string_view)> set) {
    options_.emplace(std::move(name), std::move(set));
    return *this;
  }

  std::map<std::string, std::function<void(std::string_view)>> options_;
  std::map<std::string, bool*> flags_;
};

}  // namespace programs
