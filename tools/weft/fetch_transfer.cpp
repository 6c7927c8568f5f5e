#include "fetch_transfer.hpp"

#include <unistd.h>

#include <chrono>
#include <exception>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>
#include <weft/http/client.hpp>
#include <weft/retry.hpp>
#include <weft/runtime.hpp>
#include <weft/select.hpp>
#include <weft/sleep.hpp>

#ifdef WEFT_WITH_COMPRESSION
#include <limits>
#include <weft/compression/http.hpp>
#endif

#include "byte_progress.hpp"
#include "fetch_body.hpp"
#include "fetch_client.hpp"
#include "fetch_destination.hpp"
#include "fetch_failure.hpp"
#include "standard_streams.hpp"
#include "stop_signals.hpp"
#include "values.hpp"

namespace weft::tool {

namespace {

using Clock = std::chrono::steady_clock;

constexpr Nanoseconds no_limit = Nanoseconds::max();
constexpr std::size_t piece_size = std::size_t{64} * 1024;

http::ClientOptions transfer_options(const FetchOptions& options) {
  http::ClientOptions client = client_options(options);
  client.timeout = no_limit;  // each request has what is left of the whole
  if (options.connect_timeout) client.connect_timeout = *options.connect_timeout;
  return client;
}

// Values of fields may hold any bytes above 0x7f.
std::string head_text(const http::IncomingResponse& response, bool for_terminal) {
  const char* const version = response.version == http::Version::http_1_0 ? "1.0" : "1.1";
  std::string text = std::string("HTTP/") + version + " " + std::to_string(response.status.code());
  if (!response.status.reason().empty()) text.append(" ").append(response.status.reason());
  text += "\r\n";
  for (const http::Headers::Field field : response.headers) {
    const std::string value = for_terminal ? printable(field.value) : std::string(field.value);
    text.append(field.name).append(": ").append(value).append("\r\n");
  }
  return text + "\r\n";
}

http::BodyReader plain_body(http::IncomingResponse& response,
                            [[maybe_unused]] const FetchOptions& options) {
#ifdef WEFT_WITH_COMPRESSION
  if (options.compressed && response.headers.contains("content-encoding")) {
    // Nothing is held in memory but the coding's window, which has a limit of its own.
    DecodeLimits limits;
    limits.max_size = limits.max_ratio = std::numeric_limits<std::uint64_t>::max();
    if (!http::content_codings(response.headers)) {
      throw FetchError(exit_bad_response,
                       "the body has the Content-Encoding '" +
                           std::string(*response.headers.find("content-encoding")) + "'");
    }
    return http::decompressed(response.headers, std::move(response.body), limits);
  }
#endif
  return std::move(response.body);
}

// One body on its way. Everything runs on one worker.
class Transfer {
 public:
  Transfer(const FetchOptions& options, Destination& destination, const SentBody& sent)
      : options_(options),
        destination_(destination),
        sent_(sent),
        url_(requested_url(options)),
        deadline_(options.timeout ? Clock::now() + *options.timeout : Clock::time_point::max()),
        pauses_(first_pause, longest_pause),
        progress_("fetching", options.progress),
        client_(transfer_options(options)) {}

  // Tries again after a failure in the middle of a body, if that is to be continued.
  Task<void> run() {
    for (unsigned attempts = 0;; ++attempts) {
      std::exception_ptr failure;
      try {
        const bool is_over = co_await attempt_once();
        if (is_over) co_return;
        continue;  // another version: from its beginning
      } catch (const std::exception& error) {
        if (!can_go_on(error) || attempts == options_.retries) throw;
        tell(describe(error) + "; trying again");
        failure = std::current_exception();
      }
      co_await sleep_for(pauses_.next());
    }
  }

  // Whether the bytes that were passed on are the beginning of a body that can be asked for again.
  [[nodiscard]] bool has_part() const noexcept { return has_part_; }
  [[nodiscard]] const std::string& url() const noexcept { return url_; }

  [[nodiscard]] std::string describe(const std::exception& error) const {
    return explain_failure(error, options_.timeout.value_or(no_limit)).second;
  }
  void tell(const std::string& text) const { complain("fetch", url_ + ": " + text); }

 private:
  // Returns false if what is there is of another version: the next attempt begins anew.
  Task<bool> attempt_once() {
    in_body_ = false;
    const std::uint64_t part = from_start_ ? 0 : destination_.part();
    const PartRecord record = part > 0 ? destination_.record() : PartRecord();
    http::IncomingResponse response = co_await client_.start(request_for(part, record));
    std::uint64_t at = 0;
    if (part > 0) {
      const Rest rest = judge_rest(response, part, record);
      if (rest == Rest::is_empty) {
        tell("complete already: " + grouped(part) + " bytes");
        co_await destination_.finish();
        co_return true;
      }
      from_start_ = rest != Rest::follows;
      at = from_start_ ? 0 : part;
      tell(from_start_ ? "another version, or no ranges: starts again"
                       : "goes on behind " + grouped(part) + " bytes");
      if (rest == Rest::is_other) co_return false;
    }
    co_await print_head(response);
    check_status(response.status);
    co_await receive(response, at);
    co_return true;
  }

  [[nodiscard]] http::ClientRequest request_for(std::uint64_t part, const PartRecord& record) {
    http::ClientRequest request(requested_method(options_), url_);
    request.headers = options_.headers;
    if (part > 0) ask_for_rest(request, part, record);
    sent_.add_to(request);
    if (options_.data && !request.headers.contains("content-type")) {
      request.headers.add("Content-Type", "application/x-www-form-urlencoded");
    }
#ifdef WEFT_WITH_COMPRESSION
    if (options_.compressed) request.headers.set("Accept-Encoding", http::accept_encoding());
#endif
    if (!options_.upload.empty()) {
      request.on_sent = [this](std::uint64_t bytes, std::optional<std::uint64_t> total) {
        progress_.show(bytes, total);
      };
    }
    if (deadline_ != Clock::time_point::max()) {
      const Nanoseconds left = deadline_ - Clock::now();
      request.timeout = std::max<Nanoseconds>(left, Nanoseconds(1));
    }
    return request;
  }

  Task<void> print_head(const http::IncomingResponse& response) {
    if (!options_.include) co_return;
    const std::string text = head_text(response, ::isatty(STDOUT_FILENO) == 1);
    const std::unique_ptr<Destination> out = make_stream_destination("-");
    co_await out->write(std::as_bytes(std::span(text)));
  }

  void check_status(http::Status status) const {
    const bool is_error = status.is_error() || (options_.continues && !status.is_success());
    if (!is_error || !(options_.fail || options_.continues)) return;
    throw FetchError(exit_bad_status, explain_status(status).second);
  }

  Task<void> receive(http::IncomingResponse& response, std::uint64_t at) {
    const PartRecord record(response);
    const bool is_coded = options_.compressed && response.headers.contains("content-encoding");
    const auto total = is_coded ? std::nullopt : record.size;
    http::BodyReader body = plain_body(response, options_);
    co_await destination_.begin(at, record);
    in_body_ = true;
    has_part_ = !is_coded && response.status.is_success() &&
                requested_method(options_) == http::Method::get;
    progress_.begin(at);
    std::vector<std::byte> piece(piece_size);
    for (std::uint64_t done = at;;) {
      const std::size_t size = co_await body.read(piece);
      if (size == 0) break;
      co_await destination_.write(std::span<const std::byte>(piece).first(size));
      done += size;
      progress_.show(done, total);
    }
    check_end(at + body.bytes_read(), total);
    co_await destination_.finish();
  }

  // A server may give less than the rest that was asked for.
  void check_end(std::uint64_t end, std::optional<std::uint64_t> total) const {
    if (!total || end == *total || !has_part_) return;
    throw FetchError(exit_bad_response,
                     "the server has given " + grouped(end) + " of " + grouped(*total) + " bytes");
  }

  [[nodiscard]] bool can_go_on(const std::exception& error) const {
    if (!options_.continues || !in_body_ || Clock::now() >= deadline_) return false;
    const int code = exit_code_of(error);
    return code == exit_bad_response || code == exit_unreachable || code == exit_timed_out;
  }

  const FetchOptions& options_;
  Destination& destination_;
  const SentBody& sent_;
  const std::string url_;
  const Clock::time_point deadline_;
  Backoff pauses_;
  ByteProgress progress_;
  http::Client client_;
  bool from_start_ = false;
  bool in_body_ = false;
  bool has_part_ = false;
};

// Returns whether a signal came first. The transfer is then cancelled and awaited.
Task<bool> transfer_until_signalled(Transfer& transfer, StopSignals& signals) {
  auto first = co_await select(transfer.run(), signals.next());
  if (first.index() == 0) first.take<0>();
  co_return first.index() == 1;
}

int run_on(Runtime& runtime, Transfer& transfer, Destination& destination, StopSignals& signals) {
  int exit_code = 0;
  try {
    if (!runtime.block_on(transfer_until_signalled(transfer, signals))) return 0;
    exit_code = exit_interrupted;
    transfer.tell("interrupted");
  } catch (const std::exception& error) {
    exit_code = exit_code_of(error);
    transfer.tell(transfer.describe(error));
  }
  const std::string left = destination.leave(transfer.has_part());
  if (!left.empty()) complain("fetch", left);
  return exit_code;
}

}  // namespace

bool is_transfer(const FetchOptions& options) {
  if (options.method || options.data || !options.upload.empty() || options.continues ||
      options.include || options.fail || options.compressed || options.progress) {
    return true;
  }
  const std::string& output = options.output;
  if (output == "-") return true;
  std::error_code error;
  return !output.empty() && !output.ends_with('/') && options.urls.size() == 1 &&
         options.repeat == 1 && !options.json && !std::filesystem::is_directory(output, error);
}

int run_transfer(const FetchOptions& options) {
  // These may wait in open(2), and so come before signals are held back.
  std::unique_ptr<Destination> destination;
  std::optional<SentBody> sent;
  try {
    destination = make_destination(options.output, options.continues);
    sent.emplace(options);
  } catch (const FetchError& error) {
    complain("fetch", error.what());
    return error.exit_code;
  }
  StopSignals signals;
  RuntimeOptions runtime_options;
  runtime_options.current_thread = true;  // one worker, this thread
  Runtime runtime(std::move(runtime_options));
  int exit_code = 0;
  {
    Transfer transfer(options, *destination, *sent);
    exit_code = run_on(runtime, transfer, *destination, signals);
  }
  // The runtime's end may wait for a thread of its own, such as one that looks up a name.
  signals.end_process_with(exit_code);
  destination.reset();
  return exit_code;
}

}  // namespace weft::tool
