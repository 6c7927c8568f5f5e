// tls::Engine: OpenSSL's SSL over a Wire, under a lock.
#include <weft/tls/engine.hpp>

#include <algorithm>
#include <array>
#include <cstring>
#include <limits>
#include <mutex>
#include <new>
#include <utility>
#include <weft/atomic.hpp>
#include <weft/result.hpp>

#include "tls/context_core.hpp"
#include "tls/failure.hpp"
#include "tls/wire.hpp"

namespace weft::inline v0_1::tls {
namespace {

using Kind = Progress::Kind;

/// Slices below this are gathered into one record.
constexpr std::size_t kSmallSlice = 4096;
constexpr std::size_t kLargestPlain = 16384;

/// Whether the host is an address, which has no place in SNI (RFC 6066, 3).
bool is_address(const std::string& host) {
  const bool has_colon = host.find(':') != std::string::npos;
  const Result<Endpoint> parsed = Endpoint::parse(has_colon ? "[" + host + "]:0" : host + ":0");
  return parsed.has_value() && parsed->is_ip();
}

/// The host as certificates have it: without brackets, without the dot at the end.
std::string plain_host(std::string_view host) {
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
  }
  if (host.size() > 1 && host.back() == '.') host.remove_suffix(1);
  if (host.empty() || host.find('\0') != std::string_view::npos) {
    throw IoError(std::make_error_code(std::errc::invalid_argument), "tls connect",
                  "'" + std::string(host) + "'");
  }
  return std::string(host);
}

}  // namespace

class Engine::Impl {
 public:
  Impl(std::shared_ptr<ContextCore> core, std::string its_peer);

  void be_client(std::string_view host, std::uint16_t port);
  [[nodiscard]] SSL* ssl() const noexcept { return ssl_.get(); }

  [[nodiscard]] Progress handshake();
  [[nodiscard]] Progress read(std::span<std::byte> buffer);
  [[nodiscard]] Progress peek();
  [[nodiscard]] Progress write(std::span<const IoSlice> slices);
  void fail(std::error_code code, std::string_view detail);

  mutable ThreadMutex mutex;
  Wire wire;
  std::uint64_t fed = 0;
  bool has_ended = false;  // the peer's stream
  bool is_closed = false;  // close_notify was sent
  Atomic<bool> is_established{false};
  std::optional<TimePoint> deadline;
  std::string peer;
  std::error_code failure;
  std::string detail;
  ConnectionData data;

 private:
  [[nodiscard]] Progress progress(Kind kind, std::size_t size = 0) const noexcept {
    return Progress(kind, size, fed);
  }
  [[nodiscard]] Progress after(int result, std::size_t done);
  [[nodiscard]] Progress at_end();
  [[nodiscard]] std::size_t gather(std::span<const IoSlice>& slices, std::size_t& at,
                                   std::span<std::byte> into) const noexcept;
  [[nodiscard]] int encrypt(std::span<const std::byte> bytes, std::size_t& taken);

  SslOwner ssl_;  // its BIO uses `wire`
};

Engine::Impl::Impl(std::shared_ptr<ContextCore> core, std::string its_peer)
    : peer(std::move(its_peer)) {
  data.loaded = core->loaded();
  data.core = std::move(core);
  ERR_clear_error();
  ssl_.reset(checked(SSL_new(data.loaded->ssl.get())));
  SSL_set_app_data(ssl(), &data);
  BIO* const bio = bio_over(wire).release();
  SSL_set_bio(ssl(), bio, bio);
  if (data.core->server() != nullptr) {
    SSL_set_accept_state(ssl());
  } else {
    SSL_set_connect_state(ssl());
  }
}

void Engine::Impl::be_client(std::string_view host, std::uint16_t port) {
  data.host = plain_host(host);
  data.session_key = data.host + ":" + std::to_string(port);
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl());
  if (is_address(data.host)) {
    if (X509_VERIFY_PARAM_set1_ip_asc(param, data.host.c_str()) != 1) throw std::bad_alloc();
  } else {
    // The subject's common name counts for nothing, as with browsers and Go.
    X509_VERIFY_PARAM_set_hostflags(
        param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS | X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    const bool ok = X509_VERIFY_PARAM_set1_host(param, data.host.c_str(), data.host.size()) == 1 &&
                    SSL_set_tlsext_host_name(ssl(), data.host.c_str()) == 1;
    if (!ok) {
      const std::string reason = take_openssl_reason();
      throw IoError(std::make_error_code(std::errc::invalid_argument), "tls connect",
                    "'" + data.host + "' (" + reason + ")");
    }
  }
  const SessionOwner session = data.core->sessions().take(data.session_key);
  if (session != nullptr) SSL_set_session(ssl(), session.get());
}

void Engine::Impl::fail(std::error_code code, std::string_view why) {
  if (failure) return;
  failure = code;
  detail = why;
}

/// The peer's stream has ended, and OpenSSL wants more.
Progress Engine::Impl::at_end() {
  if (!is_established.load(std::memory_order_relaxed)) {
    const Failure found = failure_of_beginning(wire.records().beginning());
    fail(found.code ? found.code : make_error_code(Errc::closed_in_handshake), found.detail);
    return progress(Kind::failed);
  }
  const bool may_end = data.core->options().allow_missing_close_notify;
  if (may_end && wire.records().is_between_records()) return progress(Kind::ended);
  fail(Errc::truncated, {});
  return progress(Kind::failed);
}

/// What a call of OpenSSL that gave `result` means.
Progress Engine::Impl::after(int result, std::size_t done) {
  if (result == 1) return progress(Kind::done, done);
  switch (SSL_get_error(ssl(), result)) {
    case SSL_ERROR_WANT_READ:
      // SSL_MODE_RELEASE_BUFFERS leaves the 16 KiB in which a handshake's end was written. Between
      // two records alone: before 3.0.14 OpenSSL frees what it still reads from (CVE-2024-4741).
      if (is_established.load(std::memory_order_relaxed) && wire.records().is_between_records()) {
        SSL_free_buffers(ssl());
      }
      return has_ended ? at_end() : progress(Kind::needs_input);
    case SSL_ERROR_ZERO_RETURN:
      if (is_established.load(std::memory_order_relaxed)) return progress(Kind::ended);
      fail(Errc::closed_in_handshake, {});
      return progress(Kind::failed);
    default:
      break;
  }
  if (wire.lacked_memory()) {
    ERR_clear_error();
    fail(std::make_error_code(std::errc::not_enough_memory), {});
    return progress(Kind::failed);
  }
  const Failure found = take_failure(ssl(), wire.records().beginning());
  fail(found.code, found.detail);
  return progress(Kind::failed);
}

Progress Engine::Impl::handshake() {
  if (failure) return progress(Kind::failed);
  ERR_clear_error();
  const Progress step = after(SSL_do_handshake(ssl()), 0);
  // Release: pairs with the acquire in is_established().
  if (step.kind == Kind::done) is_established.store(true, std::memory_order_release);
  return step;
}

Progress Engine::Impl::read(std::span<std::byte> buffer) {
  if (failure) return progress(Kind::failed);
  std::size_t sum = 0;
  while (sum < buffer.size()) {
    ERR_clear_error();
    std::size_t size = 0;
    const int result = SSL_read_ex(ssl(), buffer.data() + sum, buffer.size() - sum, &size);
    if (result != 1) {
      // A failure behind bytes is told by the next call.
      const Progress step = after(result, 0);
      if (sum == 0) return step;
      break;
    }
    sum += size;
  }
  return progress(Kind::done, sum);
}

Progress Engine::Impl::peek() {
  if (failure) return progress(Kind::failed);
  ERR_clear_error();
  std::byte one{};
  std::size_t size = 0;
  return after(SSL_peek_ex(ssl(), &one, 1, &size), size);
}

/// Copies small slices from the front into `into`, from byte `at` of the first one on.
std::size_t Engine::Impl::gather(std::span<const IoSlice>& slices, std::size_t& at,
                                 std::span<std::byte> into) const noexcept {
  std::size_t sum = 0;
  while (!slices.empty() && sum < into.size()) {
    const IoSlice& first = slices.front();
    const std::size_t size = std::min(first.size - at, into.size() - sum);
    if (sum != 0 && size >= kSmallSlice) break;
    if (size != 0) std::memcpy(into.data() + sum, first.data + at, size);
    sum += size;
    at += size;
    if (at < first.size) break;
    slices = slices.subspan(1);
    at = 0;
  }
  return sum;
}

int Engine::Impl::encrypt(std::span<const std::byte> bytes, std::size_t& taken) {
  ERR_clear_error();
  std::size_t size = 0;
  const int result = SSL_write_ex(ssl(), bytes.data(), bytes.size(), &size);
  if (result == 1) taken += size;
  return result;
}

Progress Engine::Impl::write(std::span<const IoSlice> slices) {
  if (failure || is_closed) return progress(Kind::failed);
  std::size_t taken = 0;
  std::size_t at = 0;  // in the first slice
  std::unique_ptr<std::byte[]> gathered;
  while (!slices.empty() && taken < most_at_once) {
    const std::size_t rest = slices.front().size - at;
    int result = 1;
    if (rest >= kSmallSlice || slices.size() == 1) {
      const std::size_t size = std::min(rest, most_at_once - taken);
      if (size != 0) result = encrypt({slices.front().data + at, size}, taken);
      at += size;
      if (at == slices.front().size) {
        slices = slices.subspan(1);
        at = 0;
      }
    } else {
      if (gathered == nullptr) {
        gathered = std::make_unique_for_overwrite<std::byte[]>(kLargestPlain);
      }
      const std::size_t size = gather(slices, at, {gathered.get(), kLargestPlain});
      if (size != 0) result = encrypt({gathered.get(), size}, taken);
    }
    // What was taken is on its way; the rest meets the failure again.
    if (result != 1) {
      const Progress step = after(result, 0);
      return taken == 0 ? step : progress(Kind::done, taken);
    }
  }
  return progress(Kind::done, taken);
}

Engine::Engine(const ClientContext& context, std::string_view host, std::uint16_t port,
               std::string peer)
    : impl_(std::make_unique<Impl>(context.core(), std::move(peer))) {
  impl_->be_client(host, port);
}
Engine::Engine(const ServerContext& context, std::string peer)
    : impl_(std::make_unique<Impl>(context.core(), std::move(peer))) {}
Engine::Engine(Engine&&) noexcept = default;
Engine& Engine::operator=(Engine&&) noexcept = default;
Engine::~Engine() = default;

bool Engine::is_established() const noexcept {
  // Acquire: pairs with the release in handshake().
  return impl_->is_established.load(std::memory_order_acquire);
}

bool Engine::peer_awaits_output() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  const bool is_server = impl_->data.core->server() != nullptr;
  return !is_server || SSL_version(impl_->ssl()) == TLS1_2_VERSION;
}

Progress Engine::handshake() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->handshake();
}
Progress Engine::read(std::span<std::byte> buffer) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->read(buffer);
}
Progress Engine::peek() {
  const std::lock_guard lock(impl_->mutex);
  return impl_->peek();
}
Progress Engine::write(std::span<const IoSlice> slices) {
  const std::lock_guard lock(impl_->mutex);
  return impl_->write(slices);
}

void Engine::close_notify() {
  const std::lock_guard lock(impl_->mutex);
  // After a failure nothing may follow the alert (RFC 8446, 6.2).
  if (impl_->failure || impl_->is_closed || !is_established()) return;
  impl_->is_closed = true;
  ERR_clear_error();
  static_cast<void>(SSL_shutdown(impl_->ssl()));
  ERR_clear_error();
}

Progress Engine::update_keys(bool of_both_sides) {
  const std::lock_guard lock(impl_->mutex);
  if (impl_->failure || impl_->is_closed) return Progress(Kind::failed, 0, impl_->fed);
  ERR_clear_error();
  if (SSL_is_init_finished(impl_->ssl()) == 0) {
    return Progress(Kind::needs_input, 0, impl_->fed);  // in the middle of another message
  }
  const int type = of_both_sides ? SSL_KEY_UPDATE_REQUESTED : SSL_KEY_UPDATE_NOT_REQUESTED;
  if (SSL_key_update(impl_->ssl(), type) != 1) {
    ERR_clear_error();
    return Progress(Kind::failed, 0, impl_->fed);
  }
  return impl_->handshake();  // which writes the message
}

void Engine::feed(InputBuffer buffer, std::size_t size) {
  const std::lock_guard lock(impl_->mutex);
  impl_->wire.feed(std::move(buffer), size);
  ++impl_->fed;
}
void Engine::feed_end() noexcept {
  const std::lock_guard lock(impl_->mutex);
  impl_->has_ended = true;
  ++impl_->fed;
}
std::uint64_t Engine::fed() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  return impl_->fed;
}
bool Engine::is_between_records() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  return impl_->wire.records().is_between_records();
}

bool Engine::has_output() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  return impl_->wire.has_output();
}
std::vector<std::byte> Engine::take_output() noexcept {
  const std::lock_guard lock(impl_->mutex);
  return impl_->wire.take_output();
}

void Engine::fail(std::error_code code, std::string_view detail) {
  const std::lock_guard lock(impl_->mutex);
  impl_->fail(code, detail);
}

std::error_code Engine::failure() const noexcept {
  const std::lock_guard lock(impl_->mutex);
  return impl_->failure;
}

void Engine::throw_failure(std::string_view operation) const {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->failure) return;
  if (impl_->failure == std::errc::not_enough_memory) throw std::bad_alloc();
  std::string subject = impl_->peer;
  if (!impl_->detail.empty()) subject.append(" (").append(impl_->detail).append(")");
  throw IoError(impl_->failure, operation, subject);
}

const std::string& Engine::peer() const noexcept { return impl_->peer; }

TimePoint Engine::handshake_deadline() noexcept {
  const std::lock_guard lock(impl_->mutex);
  if (!impl_->deadline) {
    impl_->deadline = deadline_after(impl_->data.core->options().handshake_timeout);
  }
  return *impl_->deadline;
}

Session Engine::session() const {
  const std::lock_guard lock(impl_->mutex);
  return session_of(impl_->ssl());
}

}  // namespace weft::inline v0_1::tls
