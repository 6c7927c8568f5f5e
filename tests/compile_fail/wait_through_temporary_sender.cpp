// A wait refers to the channel's handle. A temporary one would be destroyed before the wait ends.
// expect: deleted
#include <weft/channel.hpp>

weft::Sender<int> sender_of(const weft::Channel<int>& channel) { return channel.sender; }

weft::Task<void> send_one(const weft::Channel<int>& channel) {
#ifdef WEFT_MUST_FAIL
  const auto sent = co_await sender_of(channel).send(1);
#else
  const weft::Sender<int> sender = sender_of(channel);
  const auto sent = co_await sender.send(1);
#endif
  if (!sent) co_return;
}

int main() {
  const auto channel = weft::channel<int>(1);
  static_cast<void>(send_one(channel));
}
