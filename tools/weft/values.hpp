// Argument values as text: numbers in a range, durations, safe file names; and numbers formatted
// for people. Pure functions. A parse error is the rest of a sentence that begins with the option's
// name: "must be 1..64, not 'x'".
#pragma once

#include <chrono>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace weft::tool {

template <class T>
using Parsed = std::expected<T, std::string>;

/// A decimal number within [lowest, highest].
[[nodiscard]] Parsed<unsigned> parse_number(std::string_view text, unsigned lowest,
                                            unsigned highest);

/// "250us", "500ms", "2s", "1.5s", "1m", "2h": positive and at most 24 h. A number without a unit
/// is refused.
[[nodiscard]] Parsed<std::chrono::nanoseconds> parse_duration(std::string_view text);

/// Returns a file name for `url`: the last segment of its path, with all characters replaced except
/// letters, digits, '.', '-' and '_'; never empty, never hidden, never a path.
[[nodiscard]] std::string file_name_of(std::string_view url);

/// Returns `text` on one line and without effect on a terminal: its control characters, and bytes
/// that are not UTF-8, as "\x1b".
[[nodiscard]] std::string printable(std::string_view text);

/// "12,345".
[[nodiscard]] std::string grouped(std::uint64_t number);
/// "850 us", "1.23 ms", "2.00 s".
[[nodiscard]] std::string readable_time(std::chrono::nanoseconds time);
/// "512 B", "1.5 KiB", "20.0 MiB".
[[nodiscard]] std::string readable_size(std::uint64_t bytes);

}  // namespace weft::tool
