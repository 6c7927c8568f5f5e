#include "session.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <exception>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

using namespace std::chrono_literals;

namespace chat {

namespace {

/// The client takes its lines too slowly. It ends the session, with what is queued.
class TooSlow : public std::exception {
 public:
  const char* what() const noexcept override { return "too slow"; }
};

bool is_name(std::string_view text) {
  const auto is_good = [](unsigned char c) { return std::isalnum(c) != 0 || c == '_' || c == '-'; };
  return !text.empty() && text.size() <= 24 && std::ranges::all_of(text, is_good);
}

/// Sends what is in the queue, several lines at a time, until the queue is closed and empty.
weft::Task<void> send_lines(weft::StreamSocket& stream, weft::Receiver<Message> outbox,
                            Member& member, std::chrono::milliseconds limit) {
  std::vector<Message> lines;
  std::string text;
  while (const std::size_t count = co_await outbox.receive_many(lines, 64)) {
    static_cast<void>(count);
    for (const Message& line : lines) text += *line;
    const auto sent = co_await weft::attempt(weft::timeout(stream.write_all(text), limit));
    if (!sent && sent.error().code() == std::errc::timed_out) {
      member.drop();
      throw TooSlow();
    }
    if (!sent) throw sent.error();
    lines.clear();
    text.clear();
  }
}

/// Ends our side, and reads what may still come for a moment: a close with unread bytes would be a
/// reset, which may overtake our last lines.
weft::Task<void> close_gently(weft::StreamSocket& stream) {
  static_cast<void>(stream.shutdown());
  const weft::TimePoint end = weft::now() + 1s;
  std::array<std::byte, 1024> dropped;
  for (;;) {
    const auto size = co_await weft::attempt(weft::timeout_at(stream.read(dropped), end));
    if (!size || *size == 0) co_return;
  }
}

class Conversation {
 public:
  Conversation(Hall& hall, Member& member) : hall_(hall), member_(member) {}

  /// Does what the line says. Returns whether the client stays.
  bool handle(std::string_view line) {
    if (line.empty()) return true;
    if (!line.starts_with('/')) {
      hall_.say(member_, line);
      return true;
    }
    const std::size_t space = line.find(' ');
    const std::string_view command = line.substr(0, space);
    std::string argument;
    if (space < line.size()) argument = line.substr(space + 1);
    if (command == "/quit") return false;
    if (command == "/who") {
      member_.tell("*" + hall_.names_beside(member_));
    } else if (command != "/name" && command != "/join") {
      member_.tell("! unknown command " + std::string(command));
    } else if (!is_name(argument)) {
      member_.tell("! a name has 1 to 24 letters, digits, _ and -");
    } else if (command == "/join") {
      hall_.move(member_, argument);
    } else if (!hall_.rename(member_, argument)) {
      member_.tell("! " + argument + " is taken");
    }
    return true;
  }

 private:
  Hall& hall_;
  Member& member_;
};

/// Reads a line; if `long_line` is set, after the rest of the one before, which was too long.
weft::Task<std::optional<std::string>> read_line(weft::BufferedReader<weft::StreamSocket&>& reader,
                                                 const weft::LineOptions& rules, bool& long_line) {
  if (std::exchange(long_line, false)) co_await reader.discard_line();
  co_return co_await reader.read_line(rules);
}

/// Takes the client's lines. Returns why it ends. In the end no more is queued.
weft::Task<std::string> take_lines(weft::StreamSocket& stream, weft::ServeContext& server,
                                   Hall& hall, Member& member, const Limits& limits) {
  weft::BufferedReader reader(stream);
  weft::LineOptions rules;
  rules.limit(limits.line_bytes).require_delimiter();
  weft::RateLimiter rate(limits.lines_per_second, 1s, limits.lines_per_second);
  Conversation conversation(hall, member);
  bool long_line = false;
  auto next_line = [&]() -> weft::Task<weft::IoResult<std::optional<std::string>>> {
    co_await rate.acquire();  // while it waits, the client's lines stay in the socket
    auto reading = weft::timeout(read_line(reader, rules, long_line), limits.idle);
    co_return co_await weft::attempt(std::move(reading));
  };
  for (;;) {
    auto first = co_await weft::select(next_line(), member.dropped(), server.drain_begun());
    if (member.is_dropped()) throw TooSlow();
    if (!first.has<0>()) {
      member.tell("* the server ends");
      co_return "; the server ends";
    }
    const auto line = first.take<0>();
    if (!line && line.error().code() == weft::IoErrc::line_too_long) {
      member.tell("! a line has at most " + std::to_string(limits.line_bytes) + " bytes");
      long_line = true;
      continue;
    }
    if (!line && line.error().code() == std::errc::timed_out) {
      member.tell("* you were idle for too long");
      co_return " (idle)";
    }
    if (!line || !*line || !conversation.handle(**line)) co_return "";
  }
}

// [visit]
/// A member's time in the hall. It ends with the session: by its return, a failure or a cancel.
class Visit {
 public:
  Visit(Hall& hall, Member& member) : hall_(hall), member_(member) { hall_.enter(member_); }
  Visit(const Visit&) = delete;
  Visit& operator=(const Visit&) = delete;
  ~Visit() {
    hall_.leave(member_, member_.is_dropped() ? " (too slow)" : why_);
    member_.close();
  }
  void ends(std::string why) { why_ = std::move(why); }

 private:
  Hall& hall_;
  Member& member_;
  std::string why_ = " (connection lost)";
};

weft::Task<void> converse(weft::StreamSocket& stream, weft::ServeContext& server, Hall& hall,
                          Member& member, const Limits& limits) {
  Visit visit(hall, member);
  std::string why = co_await take_lines(stream, server, hall, member, limits);
  visit.ends(std::move(why));
}
// [/visit]

}  // namespace

// [session]
weft::Task<void> serve_client(weft::StreamSocket stream, weft::ServeContext& server, Hall& hall,
                              const Limits& limits) {
  // What the system keeps for a client that does not read is bounded, too.
  static_cast<void>(stream.set_send_buffer(std::size_t{64} * 1024));
  auto [sender, receiver] = weft::channel<Message>(limits.queue_lines);
  Member member(std::move(sender));
  co_await weft::when_all(converse(stream, server, hall, member, limits),
                          send_lines(stream, std::move(receiver), member, limits.write));
  co_await close_gently(stream);
}
// [/session]

weft::Task<void> refuse_client(weft::StreamSocket stream) {
  co_await weft::timeout(stream.write_all("! the server is full\n"), 1s);
  co_await close_gently(stream);
}

}  // namespace chat
