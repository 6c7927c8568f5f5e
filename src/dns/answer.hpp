// Answer: what the servers say to one question, or why they say nothing. What the cache keeps.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/dns/record.hpp>
#include <weft/endpoint.hpp>
#include <weft/time.hpp>

namespace weft::inline v0_1::dns {

/// The types that are asked for, by their numbers in the protocol.
enum class RecordType : std::uint16_t { a = 1, ptr = 12, txt = 16, aaaa = 28, srv = 33 };

[[nodiscard]] const char* to_string(RecordType type) noexcept;

struct Answer {
  std::error_code error;  // Errc, or the system's; none: there are records
  // Those of the type that was asked for; the others are empty.
  std::vector<Endpoint> addresses;  // without a port
  std::vector<SrvRecord> services;
  std::vector<TxtRecord> texts;
  std::vector<std::string> names;
  /// How long it may be kept: zero if it may not.
  Nanoseconds ttl = Nanoseconds::zero();
  TimePoint expires;  // set by the cache
};

using AnswerRef = std::shared_ptr<const Answer>;
using Answers = std::vector<AnswerRef>;
using TypedAnswers = std::vector<std::pair<RecordType, Answer>>;

}  // namespace weft::inline v0_1::dns
