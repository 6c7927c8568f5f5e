// Solution: an account as an actor. Tasks of four workers pay in, none of them touches the balance,
// and there is no lock.
#include <cstdio>
#include <utility>
#include <vector>
#include <weft/weft.hpp>

// [actor]
/// The state of the actor is a local variable; its mailbox is a channel.
weft::Task<long> account(weft::Receiver<long> mailbox) {
  long balance = 0;
  while (auto amount = co_await mailbox.receive()) balance += *amount;  // one after the other
  co_return balance;                                                    // the last sender has gone
}

weft::Task<void> client(weft::Sender<long> account) {
  for (int i = 0; i < 1000; ++i) {
    const auto sent = co_await account.send(1);
    if (!sent) co_return;
  }
}

weft::Task<long> program() {
  auto [sender, receiver] = weft::channel<long>(16);
  auto balance = weft::spawn(account, std::move(receiver));
  for (int i = 0; i < 8; ++i) weft::spawn(client, sender).detach();
  {
    const auto last = std::move(sender);  // this task's own handle: the clients' are copies
  }
  co_return co_await std::move(balance);
}
// [/actor]

int main() {
  weft::RuntimeOptions options;
  options.workers = 4;
  weft::Runtime runtime(std::move(options));
  std::printf("8 clients pay in 1000 times 1: %ld\n", runtime.block_on(program()));
}
