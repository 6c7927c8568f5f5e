// The other direction: a foreign handle among weft's tasks. Here it is a signalfd, from which a
// program reads the signals that have come.
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <weft/weft.hpp>

// [wait]
weft::Task<void> report_signals(int handle) {
  weft::Pollable signals(handle);
  for (int i = 0; i < 2; ++i) {
    co_await signals.readable();  // only waits; what is read, and how, is the library's business
    signalfd_siginfo info{};
    static_cast<void>(read(handle, &info, sizeof info));
    std::printf("signal %d from %s\n", static_cast<int>(info.ssi_signo),
                static_cast<pid_t>(info.ssi_pid) == getpid() ? "this process" : "elsewhere");
  }
}

weft::Task<void> send_signals() {
  for (const int signal : {SIGUSR1, SIGUSR2}) {
    co_await weft::sleep_for(std::chrono::milliseconds(10));
    kill(getpid(), signal);
  }
}
// [/wait]

weft::Task<void> both(int handle) {
  co_await weft::when_all(report_signals(handle), send_signals());
}

int main() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR1);
  sigaddset(&set, SIGUSR2);
  sigprocmask(SIG_BLOCK, &set, nullptr);  // else they would end the process
  const int handle = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
  weft::block_on(both(handle));
  close(handle);
}
