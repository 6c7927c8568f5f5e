// tls::StreamIo: how a tls::Stream moves bytes between its engine and its inner stream. Part of
// <weft/tls/stream.hpp>, for that alone.
//
// Turns: one task at a time reads the inner stream (StreamState::input), one writes to it (output).
// What was read is given to the engine in the same step, and what the engine has to send is kept
// until it was taken. So a cancel at any wait loses nothing.
#pragma once

#include <weft/bytes.hpp>
#include <weft/endpoint.hpp>
#include <weft/io.hpp>
#include <weft/mutex.hpp>
#include <weft/result.hpp>
#include <weft/select.hpp>
#include <weft/task.hpp>
#include <weft/timeout.hpp>
#include <weft/tls/engine.hpp>
#include <weft/tls/peers.hpp>

#include <array>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <type_traits>
#include <utility>
#include <vector>

namespace weft::inline v0_1::tls {

/// What a Stream is besides its inner stream. It stays in place when the Stream moves.
struct StreamState {
  /// The sizes of the reads of the inner stream: grows while they are filled.
  static constexpr std::size_t least_input = 4096;
  static constexpr std::size_t most_input = std::size_t{64} * 1024;

  explicit StreamState(Engine its_engine) noexcept : engine(std::move(its_engine)) {}
  StreamState(const StreamState&) = delete;
  StreamState& operator=(const StreamState&) = delete;
  ~StreamState() {
    if (peers != nullptr) peers->remove(peer);
  }

  /// Returns whether there is something to send: the rest of `sending`. Throws the error of an
  /// earlier write. The caller holds `output`.
  [[nodiscard]] bool has_to_send();
  [[nodiscard]] std::span<const std::byte> rest() const noexcept {
    return std::span(sending).subspan(sent);
  }
  /// Gives the engine what was read, and adapts the size of the next read.
  void received(InputBuffer buffer, std::size_t size);

  Engine engine;
  Mutex handshake;
  Mutex input;   // held while the inner stream is read
  Mutex output;  // held while it is written to; guards the next three
  std::vector<std::byte> sending;
  std::size_t sent = 0;
  std::error_code broken;                // of the inner stream's writing
  std::size_t input_size = least_input;  // guarded by `input`
  Endpoint peer;                         // a copy, whose address does not change
  std::shared_ptr<Peers> peers;          // null, or where `peer` is registered
};

/// S is the type of the inner stream, or an lvalue reference to it. Move-only; not moved while an
/// operation is under way.
template <class S>
class StreamIo {
 public:
  using Inner = std::remove_reference_t<S>;
  static constexpr bool waits = requires(Inner& inner) {
    { inner.readable() } -> Awaitable;
  };
  static constexpr bool tries_reads = requires(Inner& inner, std::span<std::byte> buffer) {
    { inner.try_read(buffer) } -> std::convertible_to<Result<std::size_t>>;
  };
  static constexpr bool tries_writes = requires(Inner& inner, std::string_view text) {
    { inner.try_write(text) } -> std::convertible_to<Result<std::size_t>>;
  };
  static constexpr bool flushes = requires(Inner& inner) {
    { inner.flush() } -> Awaitable;
  };
  static constexpr bool has_endpoint = requires(const Inner& inner) {
    { inner.peer_endpoint() } -> std::same_as<const Endpoint&>;
  };

  StreamIo(S&& inner, const ClientContext& context, std::string_view host, std::uint16_t port)
      : inner_(std::forward<S>(inner)),
        state_(std::make_unique<StreamState>(
            Engine(context, host, port, subject_of(inner_.get(), host)))) {
    note_endpoint();
  }
  StreamIo(S&& inner, const ServerContext& context)
      : inner_(std::forward<S>(inner)),
        state_(std::make_unique<StreamState>(Engine(context, subject_of(inner_.get(), {})))) {
    note_endpoint();
  }

  [[nodiscard]] Inner& inner() noexcept { return inner_.get(); }
  [[nodiscard]] const Inner& inner() const noexcept { return inner_.get(); }
  /// Returns whether it was not moved from.
  [[nodiscard]] bool has_state() const noexcept { return state_ != nullptr; }
  [[nodiscard]] StreamState& state() const noexcept { return *state_; }
  [[nodiscard]] Engine& engine() const noexcept { return state_->engine; }

  /// The last message may be left to be sent.
  Task<void> shake_hands() {
    for (;;) {
      const Progress step = engine().handshake();
      if (step.kind == Progress::Kind::failed) {
        co_await send_alert();
        engine().throw_failure("tls handshake");
      }
      if (step.kind == Progress::Kind::done) co_return;
      co_await flush_output();
      co_await fill(step.fed);
    }
  }

  /// Writes what is to be sent. The caller holds the turn of the output, and there is something.
  Task<void> drain() {
    do {
      const std::span<const std::byte> rest = state_->rest();
      const IoResult<std::size_t> size = co_await attempt(inner().write(rest));
      if (!size) {
        state_->broken = size.error().code();
        throw IoError(size.error());
      }
      state_->sent += detail::check_written(*size, rest, inner());
    } while (state_->has_to_send());
    if constexpr (flushes) co_await inner().flush();
  }
  Task<void> flush_output() {
    const MutexGuard turn = co_await state_->output.lock();
    if (state_->has_to_send()) co_await drain();
  }
  /// Sends what the inner stream takes at once. Returns whether something is left. Its errors are
  /// those of the next write. The caller holds the turn of the output.
  bool send_now() noexcept {
    if (state_->broken) return false;
    if constexpr (tries_writes) {
      while (state_->has_to_send()) {
        const std::span<const std::byte> rest = state_->rest();
        // SAFETY: char may alias anything.
        const std::string_view text(reinterpret_cast<const char*>(rest.data()), rest.size());
        const Result<std::size_t> size = inner().try_write(text);
        if (!size && size.error() == std::errc::operation_would_block) return true;
        if (!size) {
          state_->broken = size.error();
          return false;
        }
        state_->sent += *size;
      }
      return false;
    } else {
      return state_->has_to_send();
    }
  }
  /// After a failure: what OpenSSL has to say to the peer, without a long wait.
  Task<void> send_alert() {
    const MutexGuard turn = state_->output.try_lock();
    if (!turn || !send_now()) co_return;
    if constexpr (!tries_writes) {
      static_cast<void>(co_await attempt(timeout(drain(), std::chrono::seconds(1))));
    }
  }
  [[nodiscard]] bool has_something_left() noexcept {
    const MutexGuard turn = state_->output.try_lock();
    return turn && send_now();
  }

  /// Waits for bytes from the peer, and sends meanwhile what an earlier write has left.
  Task<void> receive(std::uint64_t fed) {
    if (!has_something_left()) {
      co_await fill(fed);
      co_return;
    }
    auto first = co_await select(attempt(flush_output()), attempt(fill(fed)));
    if (!first.template has<1>()) co_return;
    const IoResult<void> filled = first.template take<1>();
    if (!filled) throw IoError(filled.error());
  }
  /// Reads once from the inner stream, unless that was done since `fed` was counted.
  Task<void> fill(std::uint64_t fed) {
    const MutexGuard turn = co_await state_->input.lock();
    if (engine().fed() != fed) co_return;
    if constexpr (waits && tries_reads) {
      for (;;) {
        const Result<std::size_t> size = fill_now();
        if (size) co_return;
        if (size.error() != std::errc::operation_would_block) {
          throw IoError(size.error(), "read", engine().peer());
        }
        co_await inner().readable();
      }
    } else {
      if constexpr (waits) co_await inner().readable();
      // Without readable() the buffer is held while the peer is silent.
      const bool is_idle = !waits && engine().is_between_records();
      InputBuffer buffer(is_idle ? std::size_t{512} : state_->input_size);
      const std::size_t size = co_await inner().read(buffer.span());
      state_->received(std::move(buffer), size);
    }
  }
  /// The same without waiting.
  Result<std::size_t> fill_now()
    requires(tries_reads)
  {
    InputBuffer buffer(state_->input_size);
    const Result<std::size_t> size = inner().try_read(buffer.span());
    if (size) state_->received(std::move(buffer), *size);
    return size;
  }
  Result<Progress> try_step(std::span<std::byte> buffer) noexcept
    requires(tries_reads)
  try {
    const Progress step = engine().read(buffer);
    if (step.kind != Progress::Kind::needs_input) return step;
    const MutexGuard turn = state_->input.try_lock();
    if (!turn) return fail(std::errc::operation_would_block);
    const Result<std::size_t> filled = fill_now();
    if (!filled) return fail(filled.error());
    return step;
  } catch (const std::bad_alloc&) {
    return fail(std::errc::not_enough_memory);
  }
  Result<std::size_t> write_now(std::string_view text) noexcept try {
    if (send_now()) return fail(std::errc::operation_would_block);
    if (state_->broken) return fail(state_->broken);
    const std::array<IoSlice, 1> slices{slice_of(bytes_of(text))};
    const Progress step = engine().write(slices);
    if (step.kind == Progress::Kind::failed) {
      const std::error_code failure = engine().failure();
      return fail(failure ? failure : std::make_error_code(std::errc::broken_pipe));
    }
    if (step.kind != Progress::Kind::done) return fail(std::errc::operation_would_block);
    send_now();
    return step.size;
  } catch (const std::bad_alloc&) {
    return fail(std::errc::not_enough_memory);
  }

 private:
  [[nodiscard]] static std::string subject_of(const Inner& inner, std::string_view host) {
    const std::string address = detail::subject_of_stream(inner);
    std::string text(host);
    if (!address.empty()) text.append(text.empty() ? "" : " at ").append(address);
    return text;
  }
  void note_endpoint() {
    if constexpr (has_endpoint) state_->peer = inner().peer_endpoint();
  }

  detail::Held<S> inner_;
  std::unique_ptr<StreamState> state_;
};

}  // namespace weft::inline v0_1::tls
