#include "dns/name_server.hpp"

#include <algorithm>
#include <array>

#include "dns/names.hpp"

namespace weft::test {
namespace {

std::string number16(std::size_t number) {
  return {static_cast<char>(number >> 8U & 0xffU), static_cast<char>(number & 0xffU)};
}
std::string number32(std::uint32_t number) {
  return number16(number >> 16U) + number16(number & 0xffffU);
}
std::size_t read16(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(static_cast<unsigned char>(text.at(at)) << 8U |
                                  static_cast<unsigned char>(text.at(at + 1)));
}

std::string encoded(const ScriptedRecord& record) {
  return encoded_name(record.owner) + number16(record.type) + number16(1) + number32(record.ttl) +
         number16(record.data.size()) + record.data;
}

/// The end of the only question of a query.
std::size_t end_of_question(std::string_view message) {
  std::size_t at = 12;
  while (message.at(at) != 0) at += 1 + static_cast<unsigned char>(message[at]);
  return at + 5;
}

std::string start_of_authority(std::uint32_t negative_ttl) {
  ScriptedRecord record;
  record.type = 6;
  record.ttl = 3600;
  record.data = encoded_name("ns.test") + encoded_name("admin.test") + std::string(16, '\1') +
                number32(negative_ttl);
  return encoded(record);
}

std::string response(std::string_view query, const Script& script, bool by_tcp) {
  const bool truncates = script.is_truncated && !by_tcp;
  const std::size_t count = truncates ? 0 : script.answers.size();
  const std::size_t flags = 0x8180U | (truncates ? 0x0200U : 0U) | script.code;
  std::string text(query.substr(0, 2));
  text += number16(flags) + number16(1) + number16(count);
  text += number16(script.negative_ttl ? 1 : 0) + number16(0);
  if (!script.garbage.empty()) {
    // The question must be that of the query, or the answer is ignored.
    return text + std::string(query.substr(12, end_of_question(query) - 12)) + script.garbage;
  }
  text += query.substr(12, end_of_question(query) - 12);
  for (std::size_t i = 0; i < count; ++i) text += encoded(script.answers[i]);
  if (script.negative_ttl) text += start_of_authority(*script.negative_ttl);
  return text;
}

ScriptedRecord record(std::string owner, RecordType type, std::uint32_t ttl, std::string data) {
  ScriptedRecord made;
  made.owner = std::move(owner);
  made.type = static_cast<std::uint16_t>(type);
  made.ttl = ttl;
  made.data = std::move(data);
  return made;
}

std::string address_bytes(std::string text, std::size_t size) {
  const Endpoint parsed = Endpoint::parse(std::move(text)).value();
  const auto& bytes = parsed.ip_bytes();
  return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(size)};
}

std::string type_name(std::uint16_t type) { return to_string(static_cast<RecordType>(type)); }

/// Binds the port at which the listener is, for datagrams.
UdpSocket bind_beside(SocketListener& listener, Endpoint& at) {
  for (;;) {
    at = listener.local_endpoint();
    Result<UdpSocket> socket = UdpSocket::open(at);
    if (socket) return std::move(*socket);
    listener = SocketListener::bind(Endpoint::loopback(0));
  }
}

}  // namespace

std::string encoded_name(std::string_view name) {
  std::string text;
  while (!name.empty()) {
    const std::size_t size = std::min(name.find('.'), name.size());
    text.push_back(static_cast<char>(size));
    text.append(name.substr(0, size));
    name.remove_prefix(std::min(size + 1, name.size()));
  }
  text.push_back('\0');
  return text;
}

ScriptedRecord a_record(std::string owner, std::string_view address, std::uint32_t ttl) {
  return record(std::move(owner), RecordType::a, ttl,
                address_bytes(std::string(address) + ":0", 4));
}
ScriptedRecord aaaa_record(std::string owner, std::string_view address, std::uint32_t ttl) {
  return record(std::move(owner), RecordType::aaaa, ttl,
                address_bytes("[" + std::string(address) + "]:0", 16));
}
ScriptedRecord cname_record(std::string owner, std::string_view target, std::uint32_t ttl) {
  return record(std::move(owner), static_cast<RecordType>(5), ttl, encoded_name(target));
}
ScriptedRecord ptr_record(std::string owner, std::string_view target, std::uint32_t ttl) {
  return record(std::move(owner), RecordType::ptr, ttl, encoded_name(target));
}
ScriptedRecord srv_record(std::string owner, Service service, std::string_view target,
                          std::uint32_t ttl) {
  return record(std::move(owner), RecordType::srv, ttl,
                number16(service.priority) + number16(service.weight) + number16(service.port) +
                    encoded_name(target));
}
ScriptedRecord txt_record(std::string owner, std::vector<std::string> parts, std::uint32_t ttl) {
  std::string data;
  for (const std::string& part : parts) {
    data.push_back(static_cast<char>(part.size()));
    data += part;
  }
  return record(std::move(owner), RecordType::txt, ttl, std::move(data));
}

NameServer::NameServer(Decide decide)
    : decide_(std::move(decide)),
      listener_(SocketListener::bind(Endpoint::loopback(0))),
      socket_(bind_beside(listener_, at_)) {}

void NameServer::close() noexcept {
  listener_.close();
  socket_.close();
}

Task<void> NameServer::serve() {
  auto both = [this](Scope& children) -> Task<void> {
    children.spawn(serve_connections()).detach();
    co_await serve_datagrams();
  };
  co_await scope(std::move(both));
}

Task<void> NameServer::serve_datagrams() {
  auto each = [this](Scope& answers) -> Task<void> {
    std::array<char, 512> buffer;
    for (;;) {
      const auto got = co_await attempt(socket_.receive(buffer));
      if (!got && got.error() == std::errc::operation_canceled) co_return;  // it was closed
      if (!got) continue;  // about a datagram that came too late for its client
      std::string message(buffer.data(), got->data.size());
      answers.spawn(answer_datagram(std::move(message), got->sender)).detach();
    }
  };
  co_await scope(std::move(each));
}

Task<void> NameServer::answer_datagram(std::string message, Endpoint to) {
  const Query query = note(message, false);
  const Script script = decide_(query);
  if (script.hold != nullptr) co_await script.hold->wait();
  if (script.is_silent) co_return;
  const std::string text = response(message, script, false);
  if (script.begins_with_lies) {
    std::string lie = text;
    lie[0] = static_cast<char>(lie[0] ^ 0x55);
    static_cast<void>(co_await attempt(socket_.send_to(lie, to)));
    std::string other = text;
    other[13] = '_';  // the first character of the name
    static_cast<void>(co_await attempt(socket_.send_to(other, to)));
    static_cast<void>(co_await attempt(socket_.send_to(text.substr(0, 5), to)));
  }
  static_cast<void>(co_await attempt(socket_.send_to(text, to)));
}

Task<void> NameServer::serve_connections() {
  auto each = [this](Scope& connections) -> Task<void> {
    for (;;) {
      Result<StreamSocket> stream = co_await attempt(listener_.accept());
      if (!stream) co_return;
      connections.spawn(serve_connection(std::move(*stream))).detach();
    }
  };
  co_await scope(std::move(each));
}

Task<void> NameServer::serve_connection(StreamSocket stream) {
  std::array<char, 512> buffer;
  for (;;) {
    const auto head = co_await attempt(stream.read_exact(std::span(buffer).first(2)));
    if (!head) co_return;
    const std::size_t size = read16(std::string_view(buffer.data(), 2), 0);
    co_await stream.read_exact(std::span(buffer).first(size));
    const std::string message(buffer.data(), size);
    const Query query = note(message, true);
    const Script script = decide_(query);
    if (script.hold != nullptr) co_await script.hold->wait();
    if (script.is_silent) continue;
    if (script.closes) co_return;
    const std::string text = response(message, script, true);
    static_cast<void>(co_await attempt(stream.write_all(number16(text.size()) + text)));
  }
}

Query NameServer::note(std::string_view message, bool by_tcp) {
  Query query;
  query.id = static_cast<std::uint16_t>(read16(message, 0));
  query.by_tcp = by_tcp;
  std::size_t at = 12;
  while (message.at(at) != 0) {
    const auto size = static_cast<unsigned char>(message[at]);
    if (!query.name.empty()) query.name.push_back('.');
    query.name += dns::lower_case(message.substr(at + 1, size));
    at += 1 + size;
  }
  query.type = static_cast<std::uint16_t>(read16(message, at + 1));
  const std::lock_guard lock(mutex_);
  query.number = 1 + static_cast<std::size_t>(std::ranges::count_if(queries_, [&](const Query& q) {
                   return q.name == query.name && q.type == query.type;
                 }));
  queries_.push_back(query);
  return query;
}

std::vector<std::string> NameServer::asked() const {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> texts;
  for (const Query& query : queries_) {
    texts.push_back(query.name + " " + type_name(query.type) + (query.by_tcp ? " tcp" : ""));
  }
  return texts;
}

std::size_t NameServer::times_asked() const {
  const std::lock_guard lock(mutex_);
  return queries_.size();
}

}  // namespace weft::test
