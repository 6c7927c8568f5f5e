#include "dns/message.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <weft/dns/error.hpp>

#include "dns/names.hpp"

namespace weft::inline v0_1::dns {
namespace {

constexpr std::size_t header_size = 12;
constexpr std::size_t most_pointers = 64;  // of a compressed name
constexpr int most_aliases = 16;           // from a name to its records
constexpr std::uint16_t class_internet = 1;
constexpr std::uint16_t type_cname = 5;
constexpr std::uint16_t type_soa = 6;
constexpr std::uint32_t longest_ttl = 0x7fffffff;  // RFC 2181, 8

/// A message does not have what it says: ends read_message().
struct Malformed {};

/// Reads from a position on. Throws Malformed.
class Reader {
 public:
  Reader(std::span<const std::uint8_t> message, std::size_t at) noexcept
      : message_(message), at_(at) {}

  [[nodiscard]] std::size_t position() const noexcept { return at_; }
  std::uint8_t byte() {
    if (at_ >= message_.size()) throw Malformed();
    return message_[at_++];
  }
  std::uint16_t number16() {
    const std::uint16_t high = byte();
    return static_cast<std::uint16_t>(high << 8 | byte());
  }
  std::uint32_t number32() {
    const std::uint32_t high = number16();
    return high << 16 | number16();
  }
  std::span<const std::uint8_t> bytes(std::size_t size) {
    if (size > message_.size() - at_) throw Malformed();
    at_ += size;
    return message_.subspan(at_ - size, size);
  }

  /// Reads a name, which may continue elsewhere in the message, as text in lower case. Bytes that
  /// would end a label or a line become "\ddd" (RFC 1035, 5.1).
  std::string name() {
    std::string text;
    Reader reader = *this;
    std::size_t jumps = 0;
    for (;;) {
      const std::uint8_t length = reader.byte();
      if ((length & 0xc0U) == 0xc0U) {
        const std::size_t target = (length & 0x3fU) * 256U + reader.byte();
        if (jumps == 0) at_ = reader.at_;
        if (++jumps > most_pointers) throw Malformed();
        reader.at_ = target;
        continue;
      }
      if (length > 63) throw Malformed();
      if (length == 0) break;
      if (!text.empty()) text.push_back('.');
      for (const std::uint8_t each : reader.bytes(length)) append_label_byte(text, each);
      if (text.size() > 4 * longest_name) throw Malformed();
    }
    if (jumps == 0) at_ = reader.at_;
    return text;
  }

 private:
  static void append_label_byte(std::string& text, std::uint8_t byte) {
    const char c = static_cast<char>(byte);
    if (byte > 0x20 && byte < 0x7f && c != '.' && c != '\\') {
      text.push_back(lower_case(c));
      return;
    }
    text.push_back('\\');
    for (const int place : {100, 10, 1}) {
      text.push_back(static_cast<char>('0' + byte / place % 10));
    }
  }

  std::span<const std::uint8_t> message_;
  std::size_t at_;
};

struct RawRecord {
  std::string owner;
  std::uint16_t type = 0;
  std::uint16_t record_class = 0;
  std::uint32_t ttl = 0;
  std::size_t data_at = 0;
  std::size_t data_size = 0;
};

RawRecord read_record(Reader& reader) {
  RawRecord record;
  record.owner = reader.name();
  record.type = reader.number16();
  record.record_class = reader.number16();
  const std::uint32_t ttl = reader.number32();
  record.ttl = ttl > longest_ttl ? 0 : ttl;
  record.data_size = reader.number16();
  record.data_at = reader.position();
  static_cast<void>(reader.bytes(record.data_size));
  return record;
}

std::vector<RawRecord> read_section(Reader& reader, std::size_t count) {
  std::vector<RawRecord> records;
  for (std::size_t i = 0; i < count; ++i) {
    RawRecord record = read_record(reader);
    if (record.record_class == class_internet) records.push_back(std::move(record));
  }
  return records;
}

Nanoseconds duration_of(std::uint32_t seconds) noexcept { return std::chrono::seconds(seconds); }

template <std::size_t N>
std::array<std::uint8_t, N> address_bytes(std::span<const std::uint8_t> data) {
  std::array<std::uint8_t, N> bytes{};
  if (data.size() != N) throw Malformed();
  std::ranges::copy(data, bytes.begin());
  return bytes;
}

class Message {
 public:
  explicit Message(std::span<const std::uint8_t> bytes) : bytes_(bytes) {
    Reader reader(bytes, 2);
    const std::uint16_t flags = reader.number16();
    if ((flags & 0x8000U) == 0) throw Malformed();  // a query
    code_ = flags & 0xfU;
    const std::size_t questions = reader.number16();
    const std::size_t answers = reader.number16();
    const std::size_t authorities = reader.number16();
    Reader body(bytes, header_size);
    for (std::size_t i = 0; i < questions; ++i) {
      static_cast<void>(body.name());
      static_cast<void>(body.bytes(4));
    }
    answers_ = read_section(body, answers);
    authorities_ = read_section(body, authorities);
  }

  [[nodiscard]] unsigned code() const noexcept { return code_; }

  /// Follows the aliases of `name`, and returns the name at their end.
  std::string follow_aliases(std::string name, Nanoseconds& ttl) const {
    for (int i = 0; i < most_aliases; ++i) {
      const auto alias = std::ranges::find_if(answers_, [&](const RawRecord& record) {
        return record.type == type_cname && record.owner == name;
      });
      if (alias == answers_.end()) return name;
      ttl = std::min(ttl, duration_of(alias->ttl));
      name = Reader(bytes_, alias->data_at).name();
    }
    return name;
  }

  void collect(const std::string& name, RecordType type, Answer& answer) const {
    for (const RawRecord& record : answers_) {
      if (record.type != static_cast<std::uint16_t>(type) || record.owner != name) continue;
      answer.ttl = std::min(answer.ttl, duration_of(record.ttl));
      add(record, type, answer);
    }
  }

  /// RFC 2308, 5. Without a start of authority: not to be kept.
  [[nodiscard]] Nanoseconds negative_ttl() const {
    for (const RawRecord& record : authorities_) {
      if (record.type != type_soa) continue;
      Reader data(bytes_, record.data_at);
      static_cast<void>(data.name());
      static_cast<void>(data.name());
      static_cast<void>(data.bytes(16));
      return duration_of(std::min(record.ttl, std::min(data.number32(), longest_ttl)));
    }
    return Nanoseconds::zero();
  }

 private:
  void add(const RawRecord& record, RecordType type, Answer& answer) const {
    const std::span data = bytes_.subspan(record.data_at, record.data_size);
    Reader reader(bytes_, record.data_at);
    switch (type) {
      case RecordType::a:
        answer.addresses.push_back(Endpoint::ipv4(address_bytes<4>(data), 0));
        break;
      case RecordType::aaaa:
        answer.addresses.push_back(Endpoint::ipv6(address_bytes<16>(data), 0));
        break;
      case RecordType::ptr: {
        std::string target = reader.name();
        // What is no host's name may not go where a host's name is expected.
        if (is_valid_name(target)) answer.names.push_back(std::move(target));
        break;
      }
      case RecordType::srv:
        add_service(reader, answer);
        break;
      case RecordType::txt:
        add_text(data, answer);
        break;
    }
  }

  static void add_service(Reader& reader, Answer& answer) {
    SrvRecord service;
    service.priority = reader.number16();
    service.weight = reader.number16();
    service.port = reader.number16();
    service.target = reader.name();
    if (is_valid_name(service.target)) answer.services.push_back(std::move(service));
  }

  static void add_text(std::span<const std::uint8_t> data, Answer& answer) {
    TxtRecord record;
    while (!data.empty()) {
      const std::size_t size = data[0];
      if (size >= data.size()) throw Malformed();
      std::string part(data.begin() + 1, data.begin() + 1 + static_cast<std::ptrdiff_t>(size));
      record.text.append(part);
      record.parts.push_back(std::move(part));
      data = data.subspan(1 + size);
    }
    answer.texts.push_back(std::move(record));
  }

  std::span<const std::uint8_t> bytes_;
  unsigned code_ = 0;
  std::vector<RawRecord> answers_;
  std::vector<RawRecord> authorities_;
};

bool is_empty(const Answer& answer) noexcept {
  return answer.addresses.empty() && answer.services.empty() && answer.texts.empty() &&
         answer.names.empty();
}

std::optional<Errc> error_of_code(unsigned code) noexcept {
  switch (code) {
    case 0:
      return std::nullopt;
    case 1:
      return Errc::format_error;
    case 2:
      return Errc::server_failure;
    case 3:
      return Errc::no_such_name;
    case 4:
      return Errc::not_implemented;
    case 5:
      return Errc::refused;
    default:
      return Errc::bad_response;
  }
}

Answer failed(Errc error, Nanoseconds ttl) {
  Answer answer;
  answer.error = error;
  answer.ttl = ttl;
  return answer;
}

}  // namespace

const char* to_string(RecordType type) noexcept {
  switch (type) {
    case RecordType::a:
      return "A";
    case RecordType::ptr:
      return "PTR";
    case RecordType::txt:
      return "TXT";
    case RecordType::aaaa:
      return "AAAA";
    case RecordType::srv:
      return "SRV";
  }
  return "?";
}

Answer read_message(std::span<const std::uint8_t> message, std::string_view name,
                    RecordType type) try {
  const Message parsed(message);
  const std::optional<Errc> error = error_of_code(parsed.code());
  if (error && *error != Errc::no_such_name) return failed(*error, Nanoseconds::zero());
  Answer answer;
  answer.ttl = duration_of(longest_ttl);
  const std::string end = parsed.follow_aliases(std::string(name), answer.ttl);
  const Nanoseconds of_aliases = answer.ttl;
  if (!error) parsed.collect(end, type, answer);
  if (!is_empty(answer)) return answer;
  return failed(error.value_or(Errc::no_data), std::min(of_aliases, parsed.negative_ttl()));
} catch (const Malformed&) {
  return failed(Errc::bad_response, Nanoseconds::zero());
}

}  // namespace weft::inline v0_1::dns
