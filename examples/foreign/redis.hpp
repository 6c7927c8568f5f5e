// hiredis's asynchronous interface on weft: a connection to a Redis server.
//
//   foreign::Redis redis = co_await foreign::Redis::connect(scope, server);
//   foreign::RedisReply reply = co_await redis.command("GET", "key");
//                                              // in a fiber: weft::await(redis.command(…))
//
// Commands of several tasks, or of when_all(), are pipelined: each is sent at once, and the replies
// come in the same order.
//
// The rule for threads: hiredis is not thread-safe. One task, the driver, makes every call into it.
// Any task on any worker may call command(). hiredis writes by write(2): the program must ignore
// SIGPIPE, or the end of a server ends it.
#pragma once

#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <concepts>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

#include "request.hpp"

namespace foreign {

/// The connection could not be made, or was lost: "redis 127.0.0.1:6379: Connection refused".
class RedisConnectionError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};
/// The server refused the command: "redis INCR: ERR value is not an integer or out of range".
class RedisReplyError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The server's reply: a copy, which outlives the connection.
struct RedisReply {
  RedisReply() = default;
  explicit RedisReply(const redisReply& from) : type(from.type), integer(from.integer) {
    if (from.str != nullptr) text.assign(from.str, from.len);
    elements.reserve(from.elements);
    for (std::size_t i = 0; i < from.elements; ++i) elements.emplace_back(*from.element[i]);
  }
  [[nodiscard]] bool is_nil() const noexcept { return type == REDIS_REPLY_NIL; }

  int type = REDIS_REPLY_NIL;        ///< REDIS_REPLY_STRING, …
  long long integer = 0;             ///< of REDIS_REPLY_INTEGER
  std::string text;                  ///< of a string, a status or an error
  std::vector<RedisReply> elements;  ///< of an array
};

/// One command under way.
class RedisCommand final : public Request {
 public:
  RedisCommand(std::shared_ptr<Requests> requests, std::vector<std::string>&& what) noexcept
      : Request(std::move(requests)), words(std::move(what)) {}

  RedisReply await_resume() {
    rethrow();
    if (reply.type != REDIS_REPLY_ERROR) return std::move(reply);
    throw RedisReplyError("redis " + words.front() + ": " + reply.text);
  }

  std::vector<std::string> words;
  // Written by the driver until it has ended:
  RedisReply reply;
  RedisCommand** in_library = nullptr;  ///< hiredis returns it with the reply
};

class Redis {
 public:
  /// See command().
  class Command {
   public:
    Command(std::shared_ptr<Requests> requests, std::vector<std::string> words) noexcept
        : requests_(std::move(requests)), words_(std::move(words)) {}
    RedisCommand operator co_await() && noexcept {
      return RedisCommand(std::move(requests_), std::move(words_));
    }

   private:
    std::shared_ptr<Requests> requests_;
    std::vector<std::string> words_;
  };

  /// Connects, by IP address or Unix socket. The connection's driver becomes a task of `owner`: a
  /// weft::Scope or Runtime, which is not through before the Redis has gone. There is no limit of
  /// time: see weft::timeout(). Throws RedisConnectionError; weft::IoError if there are no
  /// more handles. Cancel: the attempt is given up.
  template <class Owner>
  [[nodiscard]] static weft::Task<Redis> connect(Owner& owner, weft::Endpoint server) {
    return connect_in(weft::SpawnOptions().owner(owner), std::move(server));
  }
  Redis(Redis&&) noexcept = default;
  Redis& operator=(Redis&& other) noexcept {
    std::swap(driver_, other.driver_);
    return *this;
  }
  /// Asks the driver to close the connection. No command may be under way.
  ~Redis();

  /// Sends a command and waits for its reply. Only for commands with one reply: throws
  /// std::invalid_argument for SUBSCRIBE and the like, MONITOR, and for no words at all. When
  /// awaited, throws RedisReplyError for an error reply, and RedisConnectionError if the connection
  /// is lost (it is then unknown whether the server executed the command) or was lost before. A
  /// lost connection is not made anew.
  /// Cancel: an unsent command is never sent. A sent one cannot be recalled: the task does not wait
  /// for it, and the driver drops its reply.
  [[nodiscard]] Command command(std::vector<std::string> words) const;
  template <std::convertible_to<std::string_view>... Words>
  [[nodiscard]] Command command(const Words&... words) const {
    std::vector<std::string> list;
    (list.emplace_back(std::string_view(words)), ...);
    return command(std::move(list));
  }

 private:
  class Driver;
  explicit Redis(std::shared_ptr<Driver> driver) noexcept : driver_(std::move(driver)) {}
  static weft::Task<Redis> connect_in(weft::SpawnOptions driver, weft::Endpoint server);
  static weft::Task<void> drive(std::shared_ptr<Driver> driver);

  static void require_one_reply(const std::vector<std::string>& words) {
    std::string name = words.empty() ? std::string("subscribe") : words.front();
    std::ranges::transform(name, name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (name.ends_with("subscribe") || name == "monitor") {
      throw std::invalid_argument("foreign::Redis: a command must have one reply");
    }
  }

  std::shared_ptr<Driver> driver_;
};

/// The connection. Used by the driver alone, except what Requests offers other threads.
class Redis::Driver : public Requests {
 public:
  explicit Driver(weft::Endpoint server) : server_(std::move(server)) {}

  weft::Promise<void> connected;

  /// Begins to connect. Throws RedisConnectionError.
  void open() {
    const std::string to = server_.to_string();
    const std::string host = to.substr(0, to.rfind(':'));
    const std::string ip = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
    context_ = server_.is_unix() ? redisAsyncConnectUnix(std::string(server_.path()).c_str())
                                 : redisAsyncConnect(ip.c_str(), server_.port());
    if (context_ == nullptr) throw std::bad_alloc();
    if (context_->err != 0) {
      lost_ = what(*context_);
      throw RedisConnectionError(lost_);
    }
    attach();
  }
  [[nodiscard]] bool is_open() const noexcept { return context_ != nullptr; }

  /// The work after a wait.
  void turn(const weft::Events& events) {
    while (Request* const request = next()) begin(static_cast<RedisCommand&>(*request));
    for (const weft::Event& event : events) {
      if (event.readable && is_open()) redisAsyncHandleRead(context_);
      if (event.writable && is_open()) redisAsyncHandleWrite(context_);
    }
    while (Request* const request = next_cancelled()) {
      forget(static_cast<RedisCommand&>(*request));
      end(*request, true);
    }
  }

  /// Ends the driver: there are no more turns.
  void abandon() noexcept {
    if (lost_.empty()) lost_ = "redis " + server_.to_string() + ": the connection was given up";
    const auto reason = std::make_exception_ptr(RedisConnectionError(lost_));
    if (connected) connected.set_error(reason);
    while (Request* const request = close(reason)) {
      forget(static_cast<RedisCommand&>(*request));
      fail(*request, reason);
    }
    if (context_ != nullptr) redisAsyncFree(context_);
  }

 private:
  [[nodiscard]] std::string what(const redisAsyncContext& context) const {
    const bool named = context.c.err != 0;
    return "redis " + server_.to_string() + ": " + (named ? context.c.errstr : "closed");
  }

  /// By its hooks hiredis says what it waits for. The last hook ends that, before the close.
  void attach() noexcept {
    context_->data = this;
    context_->ev.data = this;
    context_->ev.addRead = [](void* self) { watch(self, weft::interest::readable, true); };
    context_->ev.delRead = [](void* self) { watch(self, weft::interest::readable, false); };
    context_->ev.addWrite = [](void* self) { watch(self, weft::interest::writable, true); };
    context_->ev.delWrite = [](void* self) { watch(self, weft::interest::writable, false); };
    context_->ev.cleanup = [](void* self) { static_cast<Driver*>(self)->context_gone(); };
    redisAsyncSetConnectCallback(context_, &Driver::on_connect);  // begins to wait
  }
  static void watch(void* self, unsigned direction, bool wanted) noexcept {
    auto& driver = *static_cast<Driver*>(self);
    const unsigned before = driver.interests_;
    driver.interests_ = wanted ? before | direction : before & ~direction;
    if (driver.interests_ == before) return;
    if (driver.interests_ == 0) {
      static_cast<void>(driver.queue.remove(driver.context_->c.fd));
      return;
    }
    const auto interest = static_cast<weft::Interest>(driver.interests_);
    // Fails only for lack of memory. The next change tries again.
    if (!driver.queue.add(driver.context_->c.fd, 0, interest)) driver.interests_ = before;
  }
  void context_gone() noexcept {
    static_cast<void>(queue.remove(context_->c.fd));
    if (lost_.empty() && context_->c.err != 0) lost_ = what(*context_);
    context_ = nullptr;
  }
  static void on_connect(const redisAsyncContext* context, int status) noexcept {
    auto& driver = *static_cast<Driver*>(context->data);
    if (status == REDIS_OK) {
      driver.connected.set_value();
    } else {
      driver.lost_ = driver.what(*context);
    }
  }

  /// hiredis holds a cell that points to the request as long as that exists.
  void begin(RedisCommand& command) {
    std::vector<const char*> words;
    std::vector<std::size_t> sizes;
    for (const std::string& word : command.words) {
      words.push_back(word.data());
      sizes.push_back(word.size());
    }
    auto cell = std::make_unique<RedisCommand*>(&command);
    if (context_ == nullptr || redisAsyncCommandArgv(context_, &Driver::on_reply, cell.get(),
                                                     static_cast<int>(words.size()), words.data(),
                                                     sizes.data()) != REDIS_OK) {
      return fail(command, std::make_exception_ptr(RedisConnectionError(lost_)));
    }
    command.in_library = cell.release();
  }
  static void on_reply(redisAsyncContext* context, void* reply, void* cell) noexcept {
    const std::unique_ptr<RedisCommand*> owned(static_cast<RedisCommand**>(cell));
    RedisCommand* const command = *owned;
    if (command == nullptr) return;
    auto& driver = *static_cast<Driver*>(context->data);
    command->in_library = nullptr;
    if (reply == nullptr) {
      driver.fail(*command, std::make_exception_ptr(RedisConnectionError(driver.what(*context))));
      return;
    }
    std::exception_ptr error;
    try {
      command->reply = RedisReply(*static_cast<redisReply*>(reply));
    } catch (...) {
      error = std::current_exception();
    }
    if (error) return driver.fail(*command, std::move(error));
    driver.end(*command);
  }
  static void forget(RedisCommand& command) noexcept {
    if (command.in_library != nullptr) *std::exchange(command.in_library, nullptr) = nullptr;
  }

  const weft::Endpoint server_;
  redisAsyncContext* context_ = nullptr;  // owned; null once hiredis has freed it
  unsigned interests_ = 0;
  std::string lost_;  // why the connection was lost
};

inline weft::Task<void> Redis::drive(std::shared_ptr<Driver> driver) {
  const AbandonAtEnd at_end(*driver);
  try {
    driver->open();
  } catch (const RedisConnectionError&) {
    co_return;  // connect() is told
  }
  std::array<weft::Event, 4> room;
  while (driver->is_open() && !driver->stopping()) {
    const weft::Events events = co_await weft::wait_for_events(driver->queue, room);
    driver->turn(events);
  }
}

inline weft::Task<Redis> Redis::connect_in(weft::SpawnOptions driver, weft::Endpoint server) {
  Redis redis(std::make_shared<Driver>(std::move(server)));
  const weft::SharedResult<void> connected = redis.driver_->connected.result();
  weft::spawn(driver, &Redis::drive, redis.driver_).detach();
  co_await connected;
  co_return std::move(redis);
}
inline Redis::~Redis() {
  if (driver_) driver_->stop();
}
inline Redis::Command Redis::command(std::vector<std::string> words) const {
  require_one_reply(words);
  return {driver_, std::move(words)};
}

}  // namespace foreign
