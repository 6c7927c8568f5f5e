#include "http/informer.hpp"

#include <string_view>
#include <utility>

#include "http/serialize.hpp"
#include "http/session.hpp"

namespace weft::inline v0_1::http {

/// The time in which an interim response is written: the session, and a read that asks for the
/// body, write nothing meanwhile. Then what was taken leaves the output.
template <class S>
class ConnectionInformer<S>::Turn {
 public:
  explicit Turn(ConnectionInformer& informer) noexcept : informer_(informer) {
    if (informer.body_ == nullptr) informer.connection_.leave_handler();
    informer.connection_.begin_write(informer.connection_.session().options().write_timeout);
  }
  ~Turn() {
    RequestBuffers& slot = informer_.slot_;
    slot.output.erase(0, taken_);
    slot.keep_output();
    informer_.connection_.end_write();
    if (informer_.body_ != nullptr) {
      informer_.body_->end_inform();
    } else {
      informer_.connection_.enter_handler(true);
    }
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

  [[nodiscard]] std::string_view rest() const noexcept {
    return std::string_view(informer_.slot_.output).substr(taken_);
  }
  void took(std::size_t size) noexcept { taken_ += size; }

 private:
  ConnectionInformer& informer_;
  std::size_t taken_ = 0;
};

template <class S>
Task<bool> ConnectionInformer<S>::inform(Status status, const Headers& headers) {
  if (body_ != nullptr) {
    const bool may_write = co_await body_->begin_inform(status.code() == 100);
    if (!may_write) co_return false;
  }
  Turn turn(*this);
  append_interim(slot_.output, status, headers);
  slot_.keep_output();
  while (!turn.rest().empty()) {
    IoResult<std::size_t> taken =
        co_await attempt(connection_.template stream<S>().write(turn.rest()));
    if (!taken) {
      failed_ = true;
      throw std::move(taken.error());
    }
    turn.took(*taken);
  }
  co_return true;
}

template class ConnectionInformer<StreamSocket>;
template class ConnectionInformer<TransportStream>;

}  // namespace weft::inline v0_1::http
