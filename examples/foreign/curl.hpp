// libcurl's multi interface on weft: any number of transfers at once, on one task.
//
//   foreign::Curl curl(scope);                    // or a Runtime: the owner of its driver
//   CURL* easy = …;                               // set up as for curl_easy_perform()
//   co_await curl.perform(easy);                  // in a fiber: weft::await(curl.perform(easy))
//
// The rule for threads: a multi handle belongs to one task, the driver. Only the driver calls
// libcurl for the handles that are under way. All their callbacks (write, progress …) run within
// the driver, one at a time: they must not block, nor wait for anything. An easy handle is its
// user's before perform() and after it has ended. All transfers of one Curl share connections.
#pragma once

#include <curl/curl.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <system_error>
#include <unordered_map>
#include <utility>
#include <weft/weft.hpp>

#include "request.hpp"

namespace foreign {

/// The codes of CURLcode.
class CurlCategory final : public std::error_category {
 public:
  [[nodiscard]] const char* name() const noexcept override { return "curl"; }
  [[nodiscard]] std::string message(int code) const override {
    return curl_easy_strerror(static_cast<CURLcode>(code));
  }
  [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
    if (code == CURLE_OPERATION_TIMEDOUT) return std::errc::timed_out;
    return {code, *this};
  }
};
[[nodiscard]] inline std::error_code curl_error(CURLcode code) noexcept {
  static const CurlCategory category;
  return {code, category};
}

/// One transfer under way.
class CurlTransfer final : public Request {
 public:
  CurlTransfer(std::shared_ptr<Requests> requests, CURL* handle) noexcept
      : Request(std::move(requests)), easy(handle) {}

  void await_resume() const {
    rethrow();
    if (result == CURLE_OK) return;
    const char* url = nullptr;
    curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
    throw weft::IoError(curl_error(result), "transfer", url != nullptr ? url : "");
  }

  CURL* const easy;
  CURLcode result = CURLE_OK;  // written by the driver until it has ended
};

class Curl {
 public:
  /// See perform().
  class Perform {
   public:
    Perform(std::shared_ptr<Requests> requests, CURL* easy) noexcept
        : requests_(std::move(requests)), easy_(easy) {}
    CurlTransfer operator co_await() && noexcept {
      return CurlTransfer(std::move(requests_), easy_);
    }

   private:
    std::shared_ptr<Requests> requests_;
    CURL* easy_;
  };

  /// Starts the driver as a task of `owner`: a weft::Scope or Runtime, which is not through
  /// before this has gone. Throws weft::IoError, and std::logic_error if the owner takes no
  /// tasks.
  template <class Owner>
  explicit Curl(Owner& owner) : Curl(weft::SpawnOptions().owner(owner), In()) {}
  /// Ends the driver, soon. No transfer may be under way.
  ~Curl();
  Curl(const Curl&) = delete;
  Curl& operator=(const Curl&) = delete;

  /// Performs the transfer that `easy` describes. Any task, any number at once, each with a handle
  /// of its own. Sets CURLOPT_NOSIGNAL, as libcurl must not use signals here. libcurl's time limits
  /// (CURLOPT_TIMEOUT_MS …) apply, by weft's clock. Throws weft::IoError: a code of curl_error(),
  /// "transfer http://127.0.0.1:1/: Couldn't connect to server"; operation_canceled if the owner
  /// cancelled the driver.
  /// Cancel: the transfer is removed (curl_multi_remove_handle) before the task goes on, so no
  /// callback comes afterwards. Part of it may have happened. A transfer that was complete is
  /// delivered.
  [[nodiscard]] Perform perform(CURL* easy) noexcept;

 private:
  class Driver;
  struct In {};
  Curl(weft::SpawnOptions driver, In);
  static weft::Task<void> drive(std::shared_ptr<Driver> driver);

  std::shared_ptr<Driver> driver_;
};

/// The multi handle. Used by the driver alone, except what Requests offers other threads.
class Curl::Driver : public Requests {
 public:
  Driver() : multi_(make_multi()) {
    curl_multi_setopt(multi_, CURLMOPT_SOCKETFUNCTION, &Driver::on_socket);
    curl_multi_setopt(multi_, CURLMOPT_SOCKETDATA, this);
    curl_multi_setopt(multi_, CURLMOPT_TIMERFUNCTION, &Driver::on_timer);
    curl_multi_setopt(multi_, CURLMOPT_TIMERDATA, this);
  }
  ~Driver() {
    curl_multi_cleanup(multi_);
    curl_global_cleanup();
  }

  /// The latest time at which libcurl wants to be called.
  [[nodiscard]] weft::TimePoint deadline() const noexcept { return deadline_; }

  // [turn]
  /// The work after a wait: new transfers, events, the timer, ends, cancels.
  void turn(const weft::Events& events) {
    while (Request* const request = next()) begin(static_cast<CurlTransfer&>(*request));
    for (const weft::Event& event : events) {
      const int ready = (event.readable ? CURL_CSELECT_IN : 0) |
                        (event.writable ? CURL_CSELECT_OUT : 0) |
                        (event.error ? CURL_CSELECT_ERR : 0);
      act(event.handle, ready);
    }
    if (deadline_ <= weft::now()) {
      deadline_ = weft::TimePoint::max();
      act(CURL_SOCKET_TIMEOUT, 0);
    }
    end_those_through();
    while (Request* const request = next_cancelled()) {
      take_out(static_cast<CurlTransfer&>(*request));
      end(*request, true);
    }
  }
  // [/turn]

  /// Ends the driver: there are no more turns.
  void abandon() noexcept {
    const auto reason = std::make_exception_ptr(
        weft::IoError(std::make_error_code(std::errc::operation_canceled), "transfer"));
    while (Request* const request = close(reason)) {
      take_out(static_cast<CurlTransfer&>(*request));
      fail(*request, reason);
    }
  }

 private:
  static CURLM* make_multi() {
    CURLM* multi = nullptr;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK) {
      multi = curl_multi_init();
      if (multi == nullptr) curl_global_cleanup();
    }
    if (multi == nullptr) throw weft::IoError(curl_error(CURLE_FAILED_INIT), "initialize libcurl");
    return multi;
  }

  void begin(CurlTransfer& transfer) {
    const auto [place, is_new] = transfers_.emplace(transfer.easy, &transfer);
    if (is_new) {
      curl_easy_setopt(transfer.easy, CURLOPT_NOSIGNAL, 1L);
      if (curl_multi_add_handle(multi_, transfer.easy) == CURLM_OK) return;
      transfers_.erase(place);
    }
    // Under way already, here or on another multi handle: that transfer is left alone.
    transfer.result = CURLE_FAILED_INIT;
    end(transfer);
  }
  void take_out(CurlTransfer& transfer) noexcept {
    const auto found = transfers_.find(transfer.easy);
    if (found == transfers_.end() || found->second != &transfer) return;
    curl_multi_remove_handle(multi_, transfer.easy);
    transfers_.erase(found);
  }
  void act(curl_socket_t socket, int ready) {
    int under_way = 0;
    const CURLMcode code = curl_multi_socket_action(multi_, socket, ready, &under_way);
    // CURLM_BAD_SOCKET: libcurl has closed the socket in this turn.
    if (code == CURLM_OK || code == CURLM_BAD_SOCKET) return;
    throw weft::IoError(std::make_error_code(std::errc::io_error), "drive libcurl",
                        curl_multi_strerror(code));
  }
  void end_those_through() {
    int left = 0;
    while (const CURLMsg* const message = curl_multi_info_read(multi_, &left)) {
      if (message->msg != CURLMSG_DONE) continue;
      CurlTransfer& transfer = *transfers_.at(message->easy_handle);
      transfer.result = message->data.result;  // before libcurl frees the message with the handle
      take_out(transfer);
      end(transfer);
    }
  }

  // [callbacks]
  /// libcurl wants a socket watched for `what`, or no longer; the latter before it closes the
  /// socket.
  static int on_socket(CURL*, curl_socket_t socket, int what, void* self, void*) noexcept {
    weft::EventQueue& queue = static_cast<Driver*>(self)->queue;
    if (what == CURL_POLL_REMOVE) {
      static_cast<void>(queue.remove(socket));
      return 0;
    }
    const auto interest = what == CURL_POLL_IN    ? weft::Interest::readable
                          : what == CURL_POLL_OUT ? weft::Interest::writable
                                                  : weft::Interest::both;
    return queue.add(socket, 0, interest) ? 0 : -1;
  }
  static int on_timer(CURLM*, long after_ms, void* self) noexcept {
    static_cast<Driver*>(self)->deadline_ =
        after_ms < 0 ? weft::TimePoint::max()
                     : weft::deadline_after(std::chrono::milliseconds(after_ms));
    return 0;
  }
  // [/callbacks]

  CURLM* const multi_;
  weft::TimePoint deadline_ = weft::TimePoint::max();
  std::unordered_map<CURL*, CurlTransfer*> transfers_;
};

// [drive]
inline weft::Task<void> Curl::drive(std::shared_ptr<Driver> driver) {
  const AbandonAtEnd at_end(*driver);
  std::array<weft::Event, 64> room;
  while (!driver->stopping()) {
    const weft::Events events =
        co_await weft::wait_for_events(driver->queue, room, driver->deadline());
    driver->turn(events);
  }
}
// [/drive]

inline Curl::Curl(weft::SpawnOptions driver, In) : driver_(std::make_shared<Driver>()) {
  weft::spawn(driver, &Curl::drive, driver_).detach();
}
inline Curl::~Curl() { driver_->stop(); }
inline Curl::Perform Curl::perform(CURL* easy) noexcept { return {driver_, easy}; }

}  // namespace foreign
